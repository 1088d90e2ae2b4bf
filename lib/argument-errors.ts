/** The errors for wrong arguments. */

/**
 * What a method rejects with when an argument is wrong: a `TypeError` (wrong type or shape) or a
 * `RangeError` (right type, wrong value). Nothing has been sent then.
 */
export type ArgumentError = (TypeError | RangeError) & {
  /**
   * Names the field: `ERR_IPVS_INVALID_PORT`, `ERR_IPVS_INVALID_PREFIX_LENGTH`, …, or
   * `ERR_IPVS_UNKNOWN_FIELD`. Fields of one name share it (a service's port and a tunnel's).
   */
  readonly code: string;
  /** Path of the field within the arguments: `service.persistence.prefixLength`. */
  readonly field: string;
};

function argumentError(
  Kind: typeof TypeError | typeof RangeError,
  field: string,
  code: string,
  message: string,
): ArgumentError {
  return Object.assign(new Kind(message), { code, field });
}

/** `service.persistence.prefixLength` is refused with the code `ERR_IPVS_INVALID_PREFIX_LENGTH`. */
function codeOf(field: string): string {
  const name = field.replace(/\[\d+\]$/, '').replace(/^.*\./, '');
  return `ERR_IPVS_INVALID_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** A value shown in a message: short, and never the cause of another error. */
function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) {
    return String(value);
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null) return 'null';
  if (value instanceof AbortSignal) return 'an AbortSignal';
  if (!Array.isArray(value)) return `a value of type ${typeof value}`;
  const isShort = value.length > 0 && value.length <= 4;
  return isShort && value.every(isNumber) ? `[${value.join(', ')}]` : 'an array';
}

/** The error for a value of the wrong type or shape, or for a required one that is missing. */
export function wrongType(field: string, expected: string, value: unknown): ArgumentError {
  const message =
    value === undefined
      ? `${field} is required: ${expected}`
      : `${field} must be ${expected}; received ${show(value)}`;
  return argumentError(TypeError, field, codeOf(field), message);
}

/** The error for a value of the right type that is not allowed. */
export function outOfRange(field: string, expected: string, value: unknown): ArgumentError {
  return argumentError(
    RangeError,
    field,
    codeOf(field),
    `${field} must be ${expected}; received ${show(value)}`,
  );
}

/** The error for a combination of fields that is not allowed; `field` is the one to change. */
export function conflict(field: string, message: string): ArgumentError {
  return argumentError(RangeError, field, codeOf(field), `${field} ${message}`);
}

/** The error for a field that nobody knows; `known` are those that mean something. */
export function unknownField(field: string, name: string, known: Iterable<string>): ArgumentError {
  return argumentError(
    TypeError,
    `${field}.${name}`,
    'ERR_IPVS_UNKNOWN_FIELD',
    `${field} has the unknown field ${show(name)}; it takes ${[...known].join(', ')}`,
  );
}
