/** What an error of a command says, in a form that can be compared. */
import assert from 'node:assert/strict';
import { IpvsError } from 'ipvs';

/** All fields of an `IpvsError` but its message. */
export type Failure = Partial<
  Pick<IpvsError, 'code' | 'errno' | 'syscall' | 'reason' | 'outcome' | 'service' | 'destination'>
>;

/** The fields that are given; the message is there for humans. */
export function failureOf(error: unknown): Failure {
  assert.ok(error instanceof IpvsError, `not an IpvsError: ${String(error)}`);
  assert.ok(error.message.length > 20, error.message);
  const { code, errno, syscall, reason, outcome, service, destination } = error;
  const all = { code, errno, syscall, reason, outcome, service, destination };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** The failure with which a promise rejects. */
export async function rejection(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    return failureOf(error);
  }
  throw new assert.AssertionError({ message: 'succeeded, and should have failed' });
}
