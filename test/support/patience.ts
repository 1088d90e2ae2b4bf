/**
 * How many times as long as usual everything may take: sanitizers watch each step (test/sanitizers), and an
 * emulated processor is slow (scripts/arm64-test).
 */
export const patience = Number(process.env['IPVS_TEST_PATIENCE'] ?? 1);
