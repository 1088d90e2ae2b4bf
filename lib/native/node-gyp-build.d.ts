declare module 'node-gyp-build' {
  interface NodeGypBuild {
    /** Finds the addon of the package in `directory`, built or prebuilt, and loads it. */
    (directory: string): unknown;
    /** Finds it alone; throws where there is none for this platform. */
    resolve(directory: string): string;
  }
  const build: NodeGypBuild;
  export default build;
}
