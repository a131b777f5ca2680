#include "tests/fuzz/message_mutator.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/logging.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::uint64_t kMostRepeats = 200;

std::uint64_t any_count(Random& random) {
  switch (random.below(4)) {
    case 0:
      return random.below(4);
    case 1:
      return random.below(1000);
    case 2:
      return std::uint64_t{1} << random.below(64);
    default:
      return std::numeric_limits<std::uint64_t>::max() - random.below(2);
  }
}

double any_number(Random& random) {
  constexpr double kNumbers[] = {0,
                                 1,
                                 -1,
                                 0.5,
                                 1e-6,
                                 1e9,
                                 1e308,
                                 5e-324,
                                 -1e308,
                                 std::numeric_limits<double>::infinity(),
                                 -0.0,
                                 1e18,
                                 std::numeric_limits<double>::quiet_NaN()};
  return kNumbers[random.below(std::size(kNumbers))];
}

std::string any_text(Random& random) {
  constexpr std::string_view kTexts[] = {
      "",
      "a",
      "m",
      "v",
      "noop",
      "edge",
      "device",
      "cloud",
      "rapl",
      "modelled",
      "default",
      "Not A Name",
      "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "\xc3\xa9"};
  return random.chance(0.1) ? std::string(random.below(6000), 'x')
                            : std::string(kTexts[random.below(std::size(kTexts))]);
}

// One field of one message, set or, if it is repeated, grown by an element.
void put_anything(Message& message, const FieldDescriptor& field, Random& random) {
  const Reflection& reflection = *message.GetReflection();
  const auto put = [&](auto set, auto add, const auto& value) {
    if (field.is_repeated()) {
      (reflection.*add)(&message, &field, value);
    } else {
      (reflection.*set)(&message, &field, value);
    }
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return put(&Reflection::SetInt32, &Reflection::AddInt32,
                 static_cast<std::int32_t>(any_count(random)));
    case FieldDescriptor::CPPTYPE_INT64:
      return put(&Reflection::SetInt64, &Reflection::AddInt64,
                 static_cast<std::int64_t>(any_count(random)));
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(&Reflection::SetUInt32, &Reflection::AddUInt32,
                 static_cast<std::uint32_t>(any_count(random)));
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(&Reflection::SetUInt64, &Reflection::AddUInt64, any_count(random));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(&Reflection::SetDouble, &Reflection::AddDouble, any_number(random));
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const double number = any_number(random);
      return put(&Reflection::SetFloat, &Reflection::AddFloat, static_cast<float>(number));
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(&Reflection::SetBool, &Reflection::AddBool, random.chance(0.5));
    case FieldDescriptor::CPPTYPE_ENUM:
      return put(&Reflection::SetEnumValue, &Reflection::AddEnumValue,
                 static_cast<int>(random.below(10)));
    case FieldDescriptor::CPPTYPE_STRING:
      return put(&Reflection::SetString, &Reflection::AddString, any_text(random));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      mutate_message(field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                         : *reflection.MutableMessage(&message, &field),
                     random);
  }
}

void change_elements(Message& message, const FieldDescriptor& field, Random& random) {
  const Reflection& reflection = *message.GetReflection();
  const int count = reflection.FieldSize(message, &field);
  if (count == 0 || random.chance(0.3)) {
    return put_anything(message, field, random);
  }
  const int at = static_cast<int>(random.below(static_cast<std::uint64_t>(count)));
  if (random.chance(0.4)) {
    reflection.SwapElements(&message, &field, at, count - 1);
    if (random.chance(0.5)) {
      reflection.RemoveLast(&message, &field);
    }
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_map()) {
    for (std::uint64_t i = 1 + random.below(random.chance(0.05) ? kMostRepeats : 2); i > 0; --i) {
      reflection.AddMessage(&message, &field)
          ->CopyFrom(reflection.GetRepeatedMessage(message, &field, at));
    }
  }
}

void collect(Message& message, std::vector<Message*>& all) {
  all.push_back(&message);
  std::vector<const FieldDescriptor*> set;
  const Reflection& reflection = *message.GetReflection();
  reflection.ListFields(message, &set);
  for (const FieldDescriptor* field : set) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) {
      continue;
    }
    if (!field->is_repeated()) {
      collect(*reflection.MutableMessage(&message, field), all);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      collect(*reflection.MutableRepeatedMessage(&message, field, i), all);
    }
  }
}

// It says of every text that is not UTF-8 that it is not.
[[maybe_unused]] const bool kQuiet = google::protobuf::SetLogHandler(nullptr) != nullptr;

}  // namespace

void mutate_message(Message& message, Random& random) {
  for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
    std::vector<Message*> all;
    collect(message, all);
    Message& changed = *all[random.below(all.size())];
    const int fields = changed.GetDescriptor()->field_count();
    if (fields == 0) {
      continue;
    }
    const FieldDescriptor& field = *changed.GetDescriptor()->field(
        static_cast<int>(random.below(static_cast<std::uint64_t>(fields))));
    if (random.chance(0.15)) {
      changed.GetReflection()->ClearField(&changed, &field);
    } else if (field.is_repeated()) {
      change_elements(changed, field, random);
    } else {
      put_anything(changed, field, random);
    }
  }
}

}  // namespace skerry::fuzz
