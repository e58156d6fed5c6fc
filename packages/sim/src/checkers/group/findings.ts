import type { Millis } from '@grp/core';
import type { Violation } from '../../history.ts';

/** The first violations of one checker: once a property is broken, what follows says nothing new. */
export class Findings {
  readonly #checker: string;
  readonly #max: number;
  readonly #list: Violation[] = [];

  constructor(checker: string, max = 20) {
    this.#checker = checker;
    this.#max = max;
  }

  add(message: string, where: { readonly at?: Millis; readonly node?: string } = {}): void {
    if (this.#list.length >= this.#max) return;
    const { at, node } = where;
    const place = { ...(at !== undefined && { at }), ...(node !== undefined && { node }) };
    this.#list.push({ checker: this.#checker, message, ...place });
  }

  get list(): readonly Violation[] {
    return this.#list;
  }
}
