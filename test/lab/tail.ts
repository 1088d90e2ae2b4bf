import type { Readable } from 'node:stream';

/** The end of what a machine and its kernel said, kept for the case that it fails. */
export class Tail {
  private text = '';
  private static readonly keptCharacters = 64 * 1024;

  follow(stream: Readable): void {
    stream.setEncoding('latin1');
    stream.on('data', (text: string) => {
      this.text = (this.text + text).slice(-Tail.keptCharacters);
    });
  }

  lastLines(count: number): string {
    const lines = this.text.replaceAll('\r', '').split('\n');
    return lines
      .filter((line) => line.trim() !== '')
      .slice(-count)
      .join('\n');
  }
}
