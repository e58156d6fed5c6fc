/** Wakes whoever waits for something new. */
export class News {
  wake: () => void = () => {};

  /** Resolves with the next call of `wake`, or after so long. */
  next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
