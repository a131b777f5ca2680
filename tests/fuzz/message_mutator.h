// message_mutator.h: changes a protobuf message as a message, by reflection.

#pragma once

#include <google/protobuf/message.h>

#include "common/random.h"

namespace skerry::fuzz {

// One to three changes of fields anywhere in it; texts stay valid UTF-8.
void mutate_message(google::protobuf::Message& message, Random& random);

}  // namespace skerry::fuzz
