/**
 * Texts that a careless page would run. Each calls `pwned`, which `watchForRuns` puts into the page, with its number; what is shown as
 * text calls nothing.
 */

const call = (number: number) => `pwned(${number})`

/** Elements that run something by themselves when they come into a document. */
const elements: readonly ((code: string) => string)[] = [
  code => `<script>${code}</script>`,
  code => `</script><script>${code}</script>`,
  code => `</title></textarea><script>${code}</script>`,
  code => `<img src=x onerror=${code}>`,
  code => `<img src="x" onerror="${code}">`,
  code => `"><img src=x onerror=${code}>`,
  code => `'><img src=x onerror=${code}>`,
  code => `<svg onload=${code}>`,
  code => `<svg><script>${code}</script></svg>`,
  code => `<svg><animate onbegin=${code} attributeName=x dur=1s>`,
  code => `<math><mtext><img src=x onerror=${code}></mtext></math>`,
  code => `<iframe srcdoc="<script>parent.${code}</script>"></iframe>`,
  code => `<iframe src="javascript:parent.${code}"></iframe>`,
  code => `<body onload=${code}>`,
  code => `<details open ontoggle=${code}>x</details>`,
  code => `<video><source onerror=${code}></video>`,
  code => `<audio src=x onerror=${code}>`,
  code => `<input autofocus onfocus=${code}>`,
  code => `<select autofocus onfocus=${code}>`,
  code => `<textarea autofocus onfocus=${code}>`,
  code => `<marquee onstart=${code}>x</marquee>`,
  code => `<object data="javascript:${code}"></object>`,
  code => `<embed src="javascript:${code}">`,
  code => `<form action="javascript:${code}"><button autofocus>x</button></form>`,
  code => `<link rel=stylesheet href=x onerror=${code}>`,
  code => `<style>@import 'x'</style><style onload=${code}></style>`,
  code => `<base href="javascript:${code}//">`,
  code => `<meta http-equiv=refresh content="0;url=javascript:${code}">`,
  code => `<template><img src=x onerror=${code}></template>`,
  code => `<noscript><img src=x onerror=${code}></noscript>`,
  code => `<!--><img src=x onerror=${code}>-->`,
  code => `<a href="javascript:${code}" autofocus onfocus=${code}>x</a>`,
  code => `[x](javascript:${code})`,
  code => `![x](x" onerror="${code})`,
  code => `{{constructor.constructor('${code}')()}}`,
  code => `\${${code}}`,
  code => `<%= ${code} %>`,
  code => `{${code}}`,
  code => `{x, select, other {<img src=x onerror=${code}>}}`,
  code => `<b>{name}</b><img src=x onerror=${code}>`,
]

/** How the same is written so that a filter does not see it. */
const disguises: readonly ((text: string) => string)[] = [
  text => text,
  text => text.replace(/<(\w)/g, (_, letter: string) => `<${letter.toUpperCase()}`),
  text => text.replaceAll(' ', '/'),
  text => `\u202e${text}\u202c`,
  text => `\u001b[31m${text}\u001b[0m`,
]

/** Two hundred of them, each on one line. */
export const payloads: readonly string[] = disguises.flatMap((disguise, turn) =>
  elements.map((element, index) => disguise(element(call(turn * elements.length + index)))),
)
