import { chatAct } from './chat-act.ts';
import { filesAct } from './files-act.ts';
import { form, type FormOptions } from './form.ts';
import { groupAct } from './group-act.ts';
import type { ActName } from './act-names.ts';
import type { Act, Stage } from './stage.ts';
import { talkAct } from './talk-act.ts';

/** After the cluster has formed, by name and in this order. */
const acts: Readonly<Record<ActName, (stage: Stage) => Promise<Act>>> = {
  group: groupAct,
  chat: chatAct,
  files: filesAct,
  talk: talkAct,
};

export interface StoryOptions extends FormOptions {
  /** Names of acts; all when there are none. */
  readonly only: readonly string[];
}

export interface Story extends Act {
  /** The first node's HTTP API, and console. */
  readonly http: string;
}

/** The whole demo, act by act. @throws GrpError when the cluster cannot be run at all, or somebody waits in vain */
export async function tellStory({ only, ...options }: StoryOptions): Promise<Story> {
  const { stage, facts } = await form(options);
  const shown: Act[] = [{ facts, promises: [] }];
  for (const [name, act] of Object.entries(acts)) {
    if (only.length > 0 && !only.includes(name)) continue;
    options.signal.throwIfAborted();
    shown.push(await act(stage));
  }
  return {
    facts: shown.flatMap((act) => act.facts),
    promises: shown.flatMap((act) => act.promises),
    http: stage.nodes[0]?.http ?? '',
  };
}
