// Writes one HTML page for each service document. Usage: node html.mjs [folder]
// The pages share one script and one style sheet, need no network, and can be opened as files.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { stringify } from '@asyncapi/parser';
import { folder, parse, services } from './documents.mjs';

const ASSETS = {
  'asyncapi.js': '@asyncapi/react-component/browser/standalone/without-parser.js',
  'asyncapi.css': '@asyncapi/react-component/styles/default.min.css',
};

const escapeHtml = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

function page(title, document) {
  // "<" stays out of the script element, so that no text of a document can end it
  const data = stringify(document).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="asyncapi.css">
<style>body { margin: 0; font-family: system-ui, sans-serif; }</style>
</head>
<body>
<div id="asyncapi"></div>
<script src="asyncapi.js"></script>
<script>
AsyncApiStandalone.render({ schema: ${data}, config: { show: { errors: true, sidebar: true } } }, document.getElementById('asyncapi'));
</script>
</body>
</html>
`;
}

function index(titles) {
  const items = titles.map(([service, title]) => `<li><a href="${service}.html">${escapeHtml(title)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>medkg: AsyncAPI</title></head>
<body>
<h1>What each service sends and receives</h1>
<ul>
${items.join('\n')}
</ul>
</body>
</html>
`;
}

const target = resolve(process.argv[2] ?? join(folder, '../docs/reference/asyncapi'));
const { resolve: find } = createRequire(import.meta.url);
mkdirSync(target, { recursive: true });
for (const [name, source] of Object.entries(ASSETS)) copyFileSync(find(source), join(target, name));

const titles = [];
for (const service of services) {
  const { document, diagnostics } = await parse(service);
  if (!document) throw new Error(`${service}: ${diagnostics.map(({ message }) => message).join('; ')}`);
  const title = document.info().title();
  titles.push([service, title]);
  writeFileSync(join(target, `${service}.html`), page(title, document));
}
writeFileSync(join(target, 'index.html'), index(titles));
console.log(`${titles.length} pages in ${target}`);
