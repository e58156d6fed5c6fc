import { createGroup } from '@grp/gms';
import { createLinks } from '@grp/link';
import { groupLevel } from './group-member.ts';

/**
 * The real thing as a level: `@grp/gms` over `@grp/link`. Its detector is the plan's, so that it is as right and as wrong
 * as for the levels below; everything else is as in a node.
 */
export const fullLevel = groupLevel(({ host, self, delivery, transport, detector, state }) => {
  const { clock, random, logger } = host;
  const links = createLinks({ transport, clock, random, logger });
  const defer = (callback: () => void): void => void clock.wakeAt(clock.now(), callback);
  return createGroup(
    { links, detector, clock, random, logger, defer },
    { name: self.name, id: self.id, delivery, state },
  );
});
