/** The integration tests with the published binary for arm64. */
import { Total } from '../run/total.js';
import { testIntegration } from './integration.js';

const total = new Total();
total.add(await testIntegration('linux-arm64-glibc', process.argv.slice(2)));
process.exitCode = total.report();
