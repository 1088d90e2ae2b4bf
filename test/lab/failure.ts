/** Why the lab has no exit status of the command to hand back, and the one it exits with instead. */
export class LabFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const exitTimeLimit = 124;
export const exitNotRun = 125;
export const exitOutputClosed = 141;

/** The command could not be run, or its status is not known. */
export function notRun(message: string): LabFailure {
  return new LabFailure(exitNotRun, message);
}
