/** A program that diagnoses its own network namespace and prints what it finds. */
import { diagnose } from 'ipvs';

console.log(JSON.stringify(await diagnose({ schedulers: ['rr'] })));
