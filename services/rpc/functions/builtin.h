// Functions in C++, by a typed definition:
//
//   Define("add", "Adds two numbers.", Param<double>{"a", "The one."}, Param<double>{"b", "The other."})
//       .Idempotent()
//       .TimeLimitMs(1000)
//       .Runs([](CallContext& call, double a, double b) -> absl::StatusOr<Json> { return a + b; })
//
// The JSON Schema of the params comes from the types: double, int64_t, bool, std::string,
// std::vector<double>, std::vector<std::string>, Json (anything), and std::optional of each for a param that
// may be left out. Other params than those defined do not fit.
//
// Definitions are plain values; handlers are called on several threads at a time.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTIN_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTIN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/rpc/core/function.h"
#include "services/rpc/functions/builtin_pool.h"

namespace lamppost::rpc {

// How a C++ type is written in params: its schema, and its value. kOptional if it may be left out.
template <typename T>
struct ParamType;

template <typename T>
struct Param {
  std::string name;
  std::string description;
  Json bounds = Json::object();  // more of the schema, as {{"minimum", 0}}
};

// A function, but for the pool that it will run on.
struct BuiltIn {
  FunctionSpec spec;
  Json schema;
  BuiltInHandler handler;
};

// INVALID_ARGUMENT (SCHEMA_INVALID) if a param's bounds are none.
absl::StatusOr<std::shared_ptr<const Function>> MakeFunction(BuiltIn builtin,
                                                             std::shared_ptr<BuiltInPool> pool);

template <typename... Ts>
class Definition {
 public:
  Definition(std::string name, std::string description, Param<Ts>... params) : params_(std::move(params)...) {
    builtin_.spec.name = std::move(name);
    builtin_.spec.description = std::move(description);
    std::apply([this](const auto&... each) { MakeSchema(each...); }, params_);
  }

  // A run that a crash has cut off is repeated.
  Definition&& Idempotent() && {
    return With([](FunctionSpec& spec) { spec.repeat = Repeat::kIdempotent; });
  }
  // A run that nobody has waited for during the grace is cancelled.
  Definition&& CancelledWhenAbandoned(uint64_t grace_ms = 2000) && {
    return With([=](FunctionSpec& spec) {
      spec.when_abandoned = WhenAbandoned::kKill;
      spec.abandon_grace_ms = grace_ms;
    });
  }
  Definition&& TimeLimitMs(uint64_t ms) && {
    return With([=](FunctionSpec& spec) { spec.time_limit_ms = ms; });
  }
  Definition&& ConcurrencyMax(size_t n) && {
    return With([=](FunctionSpec& spec) { spec.concurrency_max = n; });
  }
  Definition&& QueueMax(size_t n) && {
    return With([=](FunctionSpec& spec) { spec.queue_max = n; });
  }
  // Params that are not defined fit, too; CallContext::params has them.
  Definition&& WithAnyParams() && {
    builtin_.schema["additionalProperties"] = true;
    return std::move(*this);
  }

  // `body` takes a CallContext& and a value for each param, and returns absl::StatusOr<Json>.
  template <typename Body>
  BuiltIn Runs(Body body) && {
    builtin_.handler = [body = std::move(body), params = std::move(params_)](CallContext& call) {
      return Invoke(body, call, params, std::index_sequence_for<Ts...>());
    };
    return std::move(builtin_);
  }

 private:
  template <typename Change>
  Definition&& With(Change change) {
    change(builtin_.spec);
    return std::move(*this);
  }

  void MakeSchema(const Param<Ts>&... params) {
    Json properties = Json::object();
    Json required = Json::array();
    (AddParam(params, &properties, &required), ...);
    builtin_.schema = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
    if (!required.empty()) builtin_.schema["required"] = required;
  }

  template <typename T>
  static void AddParam(const Param<T>& param, Json* properties, Json* required) {
    Json schema = ParamType<T>::Schema();
    schema["description"] = param.description;
    for (const auto& [name, value] : param.bounds.items()) schema[name] = value;
    (*properties)[param.name] = std::move(schema);
    if (!ParamType<T>::kOptional) required->push_back(param.name);
  }

  template <typename Body, size_t... Is>
  static absl::StatusOr<Json> Invoke(const Body& body, CallContext& call,
                                     const std::tuple<Param<Ts>...>& params, std::index_sequence<Is...>) {
    return body(call, ValueOf<Ts>(call.params(), std::get<Is>(params).name)...);
  }

  // The params fit the schema (the engine has checked them), so the types do.
  template <typename T>
  static T ValueOf(const Json& params, const std::string& name) {
    const auto found = params.find(name);
    return found == params.end() ? T() : ParamType<T>::Value(*found);
  }

  BuiltIn builtin_;
  std::tuple<Param<Ts>...> params_;
};

template <typename... Ts>
Definition<Ts...> Define(std::string name, std::string description, Param<Ts>... params) {
  return Definition<Ts...>(std::move(name), std::move(description), std::move(params)...);
}

template <>
struct ParamType<double> {
  static constexpr bool kOptional = false;
  static Json Schema() { return {{"type", "number"}}; }
  static double Value(const Json& value) { return value.is_number() ? value.get<double>() : 0; }
};

template <>
struct ParamType<int64_t> {
  static constexpr bool kOptional = false;
  static Json Schema() { return {{"type", "integer"}}; }
  static int64_t Value(const Json& value) { return value.is_number_integer() ? value.get<int64_t>() : 0; }
};

template <>
struct ParamType<bool> {
  static constexpr bool kOptional = false;
  static Json Schema() { return {{"type", "boolean"}}; }
  static bool Value(const Json& value) { return value.is_boolean() && value.get<bool>(); }
};

template <>
struct ParamType<std::string> {
  static constexpr bool kOptional = false;
  static Json Schema() { return {{"type", "string"}}; }
  static std::string Value(const Json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
  }
};

template <>
struct ParamType<Json> {
  static constexpr bool kOptional = false;
  static Json Schema() { return Json::object(); }
  static Json Value(const Json& value) { return value; }
};

template <typename T>
struct ParamType<std::vector<T>> {
  static constexpr bool kOptional = false;
  static Json Schema() { return {{"type", "array"}, {"items", ParamType<T>::Schema()}}; }
  static std::vector<T> Value(const Json& value) {
    std::vector<T> values;
    for (const Json& each : value) values.push_back(ParamType<T>::Value(each));
    return values;
  }
};

template <typename T>
struct ParamType<std::optional<T>> {
  static constexpr bool kOptional = true;
  static Json Schema() { return ParamType<T>::Schema(); }
  static std::optional<T> Value(const Json& value) { return ParamType<T>::Value(value); }
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_BUILTIN_H_
