/** A clock that somebody sets anew while a program runs. */

/** Runs `body` while `Date.now()` is off by so many milliseconds. */
export async function withClockOff(by: number, body: () => Promise<void>): Promise<void> {
  const { now } = Date;
  Date.now = () => now() + by;
  try {
    await body();
  } finally {
    Date.now = now;
  }
}
