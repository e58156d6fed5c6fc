"""A chat client that shares no code with the server: Debian's grpcio, and stubs made from chat.proto by Debian's compiler.

foreign-client.py STUBS ADDRESS: registers, logs in, sends and streams; prints one JSON document of what it saw.
"""

import json
import os
import queue
import sys

stubs, address = sys.argv[1:]
sys.path.insert(0, stubs)

import grpc  # noqa: E402
from chat.v1 import chat_pb2, chat_pb2_grpc  # noqa: E402

TIMEOUT_S = 30


def fresh() -> bytes:
    """Names one request, however often it is sent."""
    return os.urandom(16)


def code_of(call) -> str:
    """The gRPC code that a call fails with."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


channel = grpc.insecure_channel(address)
grpc.channel_ready_future(channel).result(timeout=TIMEOUT_S)
chat = chat_pb2_grpc.ChatStub(channel)
password = "a pass phrase from elsewhere"

chat.Register(chat_pb2.RegisterRequest(request_id=fresh(), name="paul", password=password), timeout=TIMEOUT_S)
login = chat.Login(chat_pb2.LoginRequest(name="paul", password=password), timeout=TIMEOUT_S)
bearer = (("authorization", f"Bearer {login.token}"),)

stranger = code_of(lambda: chat.Unread(chat_pb2.UnreadRequest(), timeout=TIMEOUT_S))
wrong = code_of(lambda: chat.Login(chat_pb2.LoginRequest(name="paul", password="guessed wrong"), timeout=TIMEOUT_S))
taken = code_of(
    lambda: chat.Register(chat_pb2.RegisterRequest(request_id=fresh(), name="paul", password=password), timeout=TIMEOUT_S)
)

# The same request twice is one message.
once = chat_pb2.SendRequest(request_id=fresh(), room="general", text="grüße aus Python ✓")
first = chat.Send(once, metadata=bearer, timeout=TIMEOUT_S).message
again = chat.Send(once, metadata=bearer, timeout=TIMEOUT_S).message

# One stream: what was said before, then what is said on it.
requests = queue.Queue()
responses = chat.Converse(iter(requests.get, None), metadata=bearer, timeout=TIMEOUT_S)
requests.put(chat_pb2.ConverseRequest(follow=chat_pb2.Follow(room="general", after_sequence=0)))
streamed, sent = [], 0
for response in responses:
    kind = response.WhichOneof("response")
    if kind == "following":
        for number in range(3):
            send = chat_pb2.SendRequest(request_id=fresh(), room="general", text=f"streamed {number}")
            requests.put(chat_pb2.ConverseRequest(send=send))
    elif kind == "message":
        streamed.append(response.message.text)
    elif kind == "sent":
        sent += 1
    elif kind == "failure":
        raise SystemExit(f"a send on the stream failed: {response.failure.code}")
    if len(streamed) == 4 and sent == 3:
        break
requests.put(None)
responses.cancel()

history = chat.History(chat_pb2.HistoryRequest(room="general"), metadata=bearer, timeout=TIMEOUT_S).messages
chat.Logout(chat_pb2.LogoutRequest(), metadata=bearer, timeout=TIMEOUT_S)
ended = code_of(lambda: chat.Unread(chat_pb2.UnreadRequest(), metadata=bearer, timeout=TIMEOUT_S))

print(
    json.dumps(
        {
            "same": first.id == again.id and first.sequence == again.sequence,
            "streamed": streamed,
            "history": [[message.sequence, message.text] for message in history],
            "codes": {"stranger": stranger, "wrong": wrong, "taken": taken, "ended": ended},
        }
    )
)
