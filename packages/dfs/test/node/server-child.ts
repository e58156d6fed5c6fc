import { runServer, type ServerOrder } from '../../bench/server-process.ts';

await runServer(JSON.parse(process.argv[2] ?? '') as ServerOrder);
