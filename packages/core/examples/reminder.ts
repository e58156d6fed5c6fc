// A machine that says something again until it is acknowledged, and the driver that runs it on real time.
import { Deadlines, drive, systemClock, type Machine, type Millis, type Wake } from '@grp/core';

type Input = { readonly type: 'say' | 'acknowledge'; readonly text: string };
type Effect = { readonly type: 'print'; readonly line: string };

class Reminder implements Machine<Input, Effect> {
  readonly #due = new Deadlines<string>();

  step(inputs: readonly (Input | Wake)[], now: Millis): readonly Effect[] {
    for (const input of inputs) {
      if (input.type === 'say') this.#due.set(input.text, now);
      if (input.type === 'acknowledge') this.#due.delete(input.text);
    }
    const effects: Effect[] = [];
    for (let text = this.#due.takeDue(now); text !== undefined; text = this.#due.takeDue(now)) {
      effects.push({ type: 'print', line: `${text}!` });
      this.#due.set(text, now + 50);
    }
    return effects;
  }

  nextDeadline(): Millis | undefined {
    return this.#due.earliest();
  }
}

let printedCount = 0;
const driver = drive<Input, Effect>({
  machine: new Reminder(),
  clock: systemClock(),
  perform({ line }) {
    console.log(line);
    if (++printedCount === 3) driver.push({ type: 'acknowledge', text: 'tea is ready' });
  },
  onFatal: (cause) => console.error(cause),
});
driver.push({ type: 'say', text: 'tea is ready' }); // printed three times, 50 ms apart; then nothing is left to do
