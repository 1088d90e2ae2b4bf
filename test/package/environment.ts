/** What a user's npm would find in the environment. */

/** Where packages come from, and how to get there. */
const kept =
  /^npm_config_(?:userconfig|globalconfig|cache|registry|cafile|(?:https?_?)?proxy|noproxy)$/i;

/** The environment without what the npm that started us left in it: our folder, its node-gyp, its loglevel. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name)),
  );
}
