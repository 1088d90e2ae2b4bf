/** How many times as long as usual everything may take: sanitizers watch each step (test/sanitizers). */
export const patience = Number(process.env['IPVS_TEST_PATIENCE'] ?? 1);
