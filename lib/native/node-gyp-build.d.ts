declare module 'node-gyp-build' {
  /** Finds the addon of the package in `directory`, built or prebuilt, and loads it. */
  export default function load(directory: string): unknown;
}
