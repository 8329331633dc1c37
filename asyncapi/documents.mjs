// The service documents, read with their references resolved.
import { readdirSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Parser, fromFile } from '@asyncapi/parser';

export const folder = dirname(fileURLToPath(import.meta.url));

/** Names of the services that have a document. */
export const services = readdirSync(folder)
  .filter((name) => existsSync(join(folder, name, 'asyncapi.yaml')))
  .sort();

/** The parsed document of a service, and all that the parser says about it. */
export function parse(service) {
  return fromFile(new Parser(), join(folder, service, 'asyncapi.yaml')).parse();
}
