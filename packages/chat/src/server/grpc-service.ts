import { create, fromBinary, toBinary, type DescMessage, type DescMethod, type DescService } from '@bufbuild/protobuf';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** How the server decodes requests and encodes responses of one method. */
export interface MethodCodec {
  readonly requestDeserialize: (bytes: Buffer) => object;
  readonly responseSerialize: (response: Uint8Array) => Buffer;
}

type AnyMessage = Parameters<typeof toBinary>[1];

/** A service as grpc-js wants it, from the generated schema: names, streaming, and how bytes become messages. */
export function grpcService(
  service: DescService,
  /** By method: how messages are encoded and decoded, in place of the generated code. */
  codecs: Readonly<Record<string, MethodCodec>> = {},
): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      { ...definition(service, method), ...codecs[method.localName] } as MethodDefinition<AnyMessage, AnyMessage>,
    ]),
  );
}

function definition(service: DescService, method: DescMethod): MethodDefinition<AnyMessage, AnyMessage> {
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    originalName: method.localName,
    ...codec('request', method.input),
    ...codec('response', method.output),
  } as MethodDefinition<AnyMessage, AnyMessage>;
}

function codec(side: 'request' | 'response', schema: DescMessage) {
  return {
    [`${side}Serialize`]: (message: AnyMessage) => Buffer.from(toBinary(schema, create(schema, message))),
    [`${side}Deserialize`]: (bytes: Buffer) => fromBinary(schema, bytes),
  };
}
