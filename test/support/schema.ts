/** The JSON schema of desired states, as users get it, under a validator that takes no rule for another. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import schema from 'ipvs/desired-state.schema.json' with { type: 'json' };

export { schema };

const validate = new Ajv2020({ strict: true }).compile(schema);

/** What the schema has against a value, the first of it; undefined where it is a desired state. */
export function complaint(value: unknown): string | undefined {
  if (validate(value)) return undefined;
  const [first] = validate.errors ?? [];
  return `${first?.instancePath ?? ''} ${first?.message ?? ''}`;
}
