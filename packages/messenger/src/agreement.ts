import { drive, type Clock, type Driver, type Logger, type NodeId, type Random } from '@grp/core';
import {
  AgreementMachine,
  decodeAgreement,
  encodeAgreement,
  type AgreementEffect,
  type AgreementInput,
  type AgreementStatus,
  type Signer,
  type Succession,
  type TrackerCrypto,
  type TrackerView,
} from '@grp/tracker';

export interface AgreementOptions {
  /** As the tracker writes it. */
  readonly group: string;
  readonly self: NodeId;
  readonly signer: Signer;
  readonly crypto: TrackerCrypto;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly send: (to: NodeId, body: Uint8Array) => void;
  /** A majority has signed the view that follows. */
  readonly onDecided: (succession: Succession) => void;
  readonly onStatus: (status: AgreementStatus) => void;
}

/** Views without the tracker: the machine of `@grp/tracker`, over the ways to the members. */
export class Agreement {
  readonly #options: AgreementOptions;
  readonly #driver: Driver<AgreementInput>;

  constructor(options: AgreementOptions) {
    const { group, self, signer, crypto, clock, random, logger } = options;
    this.#options = options;
    this.#driver = drive<AgreementInput, AgreementEffect>({
      machine: new AgreementMachine({ group, self, signer, crypto, random }),
      clock,
      perform: (effect) => this.#perform(effect),
      onFatal: (cause) => logger.log('error', 'messenger.agreement-failed', { group, cause: String(cause) }),
    });
  }

  setView({ number, members }: TrackerView): void {
    this.#driver.push({ type: 'view', view: { number, members: members.map(({ id, key }) => ({ id, key })) } });
  }

  setTracker(isThere: boolean): void {
    this.#driver.push({ type: 'tracker', isThere });
  }

  setSuspects(members: readonly NodeId[]): void {
    this.#driver.push({ type: 'suspects', members });
  }

  receive(from: NodeId, body: Uint8Array): void {
    const message = decodeAgreement(body);
    if (message !== undefined) this.#driver.push({ type: 'message', from, message });
  }

  close(): void {
    this.#driver.stop();
  }

  #perform(effect: AgreementEffect): void {
    const { send, onDecided, onStatus } = this.#options;
    if (effect.type === 'send') send(effect.to, encodeAgreement(effect.message));
    else if (effect.type === 'decided') onDecided(effect.succession);
    else onStatus(effect.status);
  }
}
