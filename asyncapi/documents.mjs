// The service documents, each put together from its files.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { load } from 'js-yaml';

export const folder = dirname(fileURLToPath(import.meta.url));

/** Names of the services that have a document. */
export const services = readdirSync(folder)
  .filter((name) => existsSync(join(folder, name, 'asyncapi.yaml')))
  .sort();

/** The parsed document of a service, and all that the parser says about it. */
export function parse(service) {
  const document = join(folder, service, 'asyncapi.yaml');
  return new Parser().parse(inlined(read(document), document, document));
}

const files = new Map();

function read(file) {
  if (!files.has(file)) files.set(file, load(readFileSync(file, 'utf8')));
  return files.get(file);
}

/**
 * The value with what stands in other files in place of the references to it. The document's own references stay.
 *
 * The parser would do it, but leaves references as they are, without a word, when it has followed a hundred from one
 * file to another.
 */
function inlined(value, file, document) {
  if (Array.isArray(value)) return value.map((item) => inlined(item, file, document));
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$ref !== 'string') {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, inlined(member, file, document)]));
  }
  const [path, pointer = ''] = value.$ref.split('#');
  const target = path ? resolve(dirname(file), path) : file;
  if (target === document) return value;
  const found = pointer.split('/').slice(1).reduce((place, key) => place?.[key], read(target));
  if (found === undefined) throw new Error(`${relative(folder, file)}: ${value.$ref} points to nothing`);
  return inlined(found, target, document);
}
