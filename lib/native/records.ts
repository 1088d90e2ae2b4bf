import { LITTLE_ENDIAN } from './encode.js';

/** Packed records, read on demand: nothing of them is copied before somebody asks. */
export class Records {
  readonly view: DataView;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bytes = bytes;
  }

  u8(offset: number): number {
    return this.view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.view.getUint16(offset, LITTLE_ENDIAN);
  }

  u32(offset: number): number {
    return this.view.getUint32(offset, LITTLE_ENDIAN);
  }

  u32InNetworkOrder(offset: number): number {
    return this.view.getUint32(offset);
  }

  u64(offset: number): bigint {
    // Most counters are zero, and what needs no new object is read faster.
    if (this.u32(offset) === 0 && this.u32(offset + 4) === 0) return 0n;
    return this.view.getBigUint64(offset, LITTLE_ENDIAN);
  }

  /** A number of 64 bits, of which a `number` holds 53 exactly. */
  number64(offset: number): number {
    const [low, high] = LITTLE_ENDIAN ? [offset, offset + 4] : [offset + 4, offset];
    const most = this.u32(high);
    // A small integer stays one: it needs no object of its own.
    return most === 0 ? this.u32(low) : most * 0x1_0000_0000 + this.u32(low);
  }

  /** Bytes as a text of as many characters. */
  latin1(first: number, end: number): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + first, end - first).toString(
      'latin1',
    );
  }

  /** A NUL-terminated text of at most `size` bytes, in UTF-8. */
  utf8(offset: number, size: number): string {
    return Buffer.from(this.text(offset, size), 'latin1').toString();
  }

  /** A NUL-terminated text of at most `size` bytes, as many characters. */
  text(offset: number, size: number): string {
    let text = '';
    for (let index = offset; index < offset + size; index += 1) {
      const character = this.bytes[index];
      if (character === undefined || character === 0) break;
      text += String.fromCharCode(character);
    }
    return text;
  }
}
