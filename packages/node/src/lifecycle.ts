import { GrpError, type Cancel, type Clock, type Logger } from '@grp/core';
import { nodeError } from './errors.ts';
import type { StopOptions } from './node.ts';
import type { NodeState } from './status.ts';
import { settlesWithin } from './waiting.ts';

/** Something to start and stop; all roles of a node together. */
export interface Lifetime {
  start(): Promise<void>;
  ready(): boolean;
  /** Tells the others, within `timeoutMs` and while `signal` is not aborted. */
  leave(options: { leave: boolean; timeoutMs: number; signal: AbortSignal }): Promise<void>;
  /** Closes what is open, in order; each step is bounded and may fail without keeping the others from being taken. */
  readonly closing: readonly { readonly what: string; readonly run: () => Promise<void> }[];
}

export interface LifecycleOptions {
  readonly lifetime: Lifetime;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leaveTimeoutMs: number;
  readonly onStopping: () => void;
}

const closeStepMs = 2_000;
// More than the leave itself is given, for a role that counts its own time.
const leaveSlackMs = 500;

/** start → running → stopping → stopped, each once, whatever is called when. */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #ready = Promise.withResolvers<void>();
  /** Rejects after `#stopped` has told its listeners. */
  readonly #ended = Promise.withResolvers<never>();
  readonly #stopped = Promise.withResolvers<GrpError | undefined>();
  readonly #hurry = new AbortController();
  #state: NodeState = 'starting';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: LifecycleOptions) {
    this.#options = options;
    this.#ended.promise.catch((cause: unknown) => this.#ready.reject(cause));
    this.#ready.promise.catch(() => {}); // nobody has to ask
  }

  get state(): NodeState {
    return this.#state;
  }

  get isReady(): boolean {
    return this.#state === 'running' && this.#options.lifetime.ready();
  }

  start(): Promise<void> {
    if (this.#stopping !== undefined && this.#starting === undefined) return Promise.reject(nodeError('NODE_STOPPED'));
    this.#starting ??= this.#start();
    return this.#starting;
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** `lifetime.ready()` may have become true. */
  noteReady(): void {
    if (this.isReady) this.#ready.resolve();
  }

  stop(options: StopOptions = {}): Promise<void> {
    const { leave = true, timeoutMs = this.#options.leaveTimeoutMs } = options;
    if (!leave) this.#hurry.abort();
    this.#stopping ??= this.#stop({ leave, timeoutMs, cause: undefined });
    return this.#stopping;
  }

  /** Ends the node because of an error. */
  fail(cause: unknown): void {
    const error = cause instanceof GrpError ? cause : nodeFailure(cause);
    this.#options.logger.log('error', 'node.failed', { code: error.code, message: error.message });
    this.#stopping ??= this.#stop({ leave: false, timeoutMs: 0, cause: error });
  }

  onStopped(listener: (cause: GrpError | undefined) => void): Cancel {
    let wanted = true;
    void this.#stopped.promise.then((cause) => (wanted ? listener(cause) : undefined));
    return () => {
      wanted = false;
    };
  }

  async #start(): Promise<void> {
    const started = this.#options.lifetime.start();
    started.catch((cause: unknown) => this.fail(cause));
    // A stop in the middle of a join ends the wait, not only the join.
    const ended = this.#ended.promise;
    await Promise.race([started.catch(() => ended), ended]);
    if (this.#stopping !== undefined) return ended;
    this.#state = 'running';
    this.#options.logger.log('info', 'node.running');
    this.noteReady();
  }

  async #stop(how: { leave: boolean; timeoutMs: number; cause: GrpError | undefined }): Promise<void> {
    const { lifetime, clock, logger, onStopping } = this.#options;
    const { leave, timeoutMs, cause } = how;
    const wasStarted = this.#starting !== undefined;
    this.#state = 'stopping';
    logger.log('info', 'node.stopping', { leave });
    onStopping();
    const { signal } = this.#hurry;
    const steps = [
      {
        what: 'leave',
        ms: timeoutMs + leaveSlackMs,
        run: () => lifetime.leave({ leave: leave && wasStarted, timeoutMs, signal }),
      },
      ...lifetime.closing.map((step) => ({ ms: closeStepMs, what: step.what, run: () => step.run() })),
    ];
    for (const { what, ms, run } of steps) {
      try {
        const inTime = await settlesWithin(clock, run(), { ms });
        if (!inTime) logger.log('warn', 'node.stop-slow', { what, ms });
      } catch (failure) {
        logger.log('warn', 'node.stop-failed', { what, message: failure instanceof Error ? failure.message : '' });
      }
    }
    this.#state = 'stopped';
    logger.log('info', 'node.stopped');
    this.#stopped.resolve(cause);
    // A turn later, so that whoever waits for both learns why before it learns that its wait was in vain.
    setImmediate(() => this.#ended.reject(cause ?? nodeError('NODE_STOPPED')));
  }
}

function nodeFailure(cause: unknown): GrpError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return nodeError('NODE_FAILED', { context: { problem }, cause });
}
