/** A warning or an error in an agent's log that says nothing against its grp peers, and why. */
export interface Allowance {
  readonly pattern: RegExp;
  /**
   * When it is in order. `own`: the agent itself is being killed, leaves, or has just come back. `away`: the line names
   * a member that is. `loss`: datagrams are being lost on purpose. `imposter`: a name that is taken is claimed.
   * `always`: it is not about members at all.
   */
  readonly when: 'own' | 'away' | 'loss' | 'imposter' | 'always';
  readonly reason: string;
}

/** Whatever is not in this list, at the moment that it names, fails the test. */
export const allowances: readonly Allowance[] = [
  {
    pattern:
      /^agent\.ipc: Failed to stream \w+ to ipc\.client: .*(use of closed network connection|broken pipe|connection reset by peer)/,
    when: 'always',
    reason: 'the command `serf` had its answer and hung up before the last receipt',
  },
  {
    pattern: /^memberlist: Refuting a (suspect|dead) message/,
    when: 'own',
    reason: 'an agent that is back outdoes what the lists still hold against its last life',
  },
  {
    pattern: /^agent: Serf shutdown detected, quitting/,
    when: 'own',
    reason: 'an agent says so at the end of its own leave',
  },
  {
    pattern: /^memberlist: Push\/Pull with \S+ failed: .*(connection refused|connection reset by peer|EOF)$/,
    when: 'away',
    reason: 'an agent wanted to exchange states with a member that had just been killed',
  },
  {
    pattern: /^memberlist: Failed fallback ping: .*(connection refused|connection reset by peer|EOF)$/,
    when: 'away',
    reason: 'an agent was probing a member by TCP as it was killed',
  },
  {
    pattern: /^memberlist: Conflicting address for serf-1\./,
    when: 'imposter',
    reason: 'an agent saw a second node with the name of a member',
  },
  {
    pattern: /^serf: Name conflict for 'serf-1' both/,
    when: 'imposter',
    reason: 'an agent saw a second node with the name of a member',
  },
  {
    pattern: /^memberlist: Refuting a suspect message/,
    when: 'loss',
    reason: 'an agent was suspected while our datagrams got lost, and refuted',
  },
  {
    pattern: /^memberlist: Was able to connect to \S+ but other probes failed/,
    when: 'loss',
    reason: 'the probe by TCP got through where datagrams had been lost',
  },
];
