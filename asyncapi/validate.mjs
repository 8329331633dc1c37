// Checks every service document; an error or a warning fails. Usage: node validate.mjs
import { parse, services } from './documents.mjs';

const SEVERITIES = ['error', 'warning', 'information', 'hint'];
const FAILS_FROM = SEVERITIES.indexOf('warning');

let failed = false;
for (const service of services) {
  const { document, diagnostics } = await parse(service);
  for (const { severity, path, message, source } of diagnostics) {
    console.log(`${service}: ${SEVERITIES[severity]}: ${path.join('/')}: ${message}${source ? ` (${source})` : ''}`);
  }
  const bad = !document || diagnostics.some(({ severity }) => severity <= FAILS_FROM);
  failed ||= bad;
  if (!bad) console.log(`${service}: ${document.operations().length} operations, valid`);
}
process.exitCode = failed ? 1 : 0;
