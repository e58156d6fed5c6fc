import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { file_grp_chat_v1_chat } from '../gen/grp/chat/v1/chat_pb.ts';

export interface Health {
  set(isServing: boolean): void;
}

/** The standard health service: for the server as a whole and for the chat. */
export function addHealth(server: Server, serviceName: string): Health {
  const health = new HealthImplementation({ '': 'NOT_SERVING', [serviceName]: 'NOT_SERVING' });
  health.addToServer(server);
  return {
    set(isServing) {
      for (const name of ['', serviceName]) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
    },
  };
}

/** The standard reflection service, so that generic clients find the methods by themselves. */
export function addReflection(server: Server): void {
  const bytes = Buffer.from(toBinary(FileDescriptorProtoSchema, file_grp_chat_v1_chat.proto));
  const format = 'Protocol Buffer 3 DescriptorProto';
  new ReflectionService({ chat: { format, type: {}, fileDescriptorProtos: [bytes] } }).addToServer(server);
}
