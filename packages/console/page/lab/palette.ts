/** How a kind of message is drawn: by colour and by the shape of its head. */
export interface Ink {
  readonly colour: string;
  readonly head: 'full' | 'open' | 'diamond' | 'dot';
  readonly width: number;
}

const inks: Readonly<Record<string, Omit<Ink, 'colour'> & { readonly token: string }>> = {
  message: { token: '--blue', head: 'full', width: 1.7 },
  request: { token: '--pink', head: 'open', width: 1.4 },
  view: { token: '--amber', head: 'diamond', width: 2 },
  join: { token: '--green', head: 'open', width: 1.6 },
  ack: { token: '--grey', head: 'dot', width: 1 },
  control: { token: '--amber', head: 'diamond', width: 1.4 },
  data: { token: '--blue', head: 'full', width: 1.7 },
  propose: { token: '--pink', head: 'open', width: 1.4 },
  final: { token: '--amber', head: 'diamond', width: 1.6 },
  ping: { token: '--grey', head: 'dot', width: 1 },
  heartbeat: { token: '--grey', head: 'dot', width: 1 },
  'relay-ping': { token: '--violet', head: 'open', width: 1.4 },
  append: { token: '--blue', head: 'full', width: 1.5 },
  'append-response': { token: '--grey', head: 'dot', width: 1 },
  vote: { token: '--pink', head: 'open', width: 1.7 },
  'vote-response': { token: '--green', head: 'diamond', width: 1.5 },
};
const others = ['--teal', '--violet', '--green', '--grey'];

/** Looks up colours of the theme in force. */
export function readPalette(): (token: string) => string {
  const styles = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return (token) => {
    const value = known.get(token) ?? styles.getPropertyValue(token).trim();
    known.set(token, value);
    return value;
  };
}

/** The ink of a kind; kinds that nobody has thought of get one each as well. */
export function inkOf(kind: string, colourOf: (token: string) => string): Ink {
  const known = inks[kind];
  if (known !== undefined) return { colour: colourOf(known.token), head: known.head, width: known.width };
  let sum = 0;
  for (let index = 0; index < kind.length; index++) sum += kind.charCodeAt(index);
  return { colour: colourOf(others[sum % others.length] as string), head: 'full', width: 1.3 };
}
