#include "services/common/grpc_status.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/common/error.h"

namespace lamppost {
namespace {

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

// A status as some other server might send it.
template <typename Detail>
grpc::Status Foreign(const Detail& detail) {
  google::rpc::Status details;
  details.add_details()->PackFrom(detail);
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "m", details.SerializeAsString());
}

grpc::Status WithDelay(int64_t seconds, int32_t nanos) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(nanos);
  return Foreign(info);
}

TEST(GrpcStatus, OkIsOkBothWays) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).error_details().empty());
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

TEST(GrpcStatus, EveryCodeGoesThereAndBack) {
  for (int code = 1; code <= 16; ++code) {
    const auto there = ToGrpcStatus(MakeError(static_cast<absl::StatusCode>(code), "SOME_REASON", "why"));
    EXPECT_EQ(static_cast<int>(there.error_code()), code);
    EXPECT_EQ(there.error_message(), "why");
    EXPECT_EQ(DetailsOf(there).code(), code);
    const absl::Status back = FromGrpcStatus(there);
    EXPECT_EQ(static_cast<int>(back.code()), code);
    EXPECT_EQ(back.message(), "why");
    EXPECT_EQ(ErrorReason(back), "SOME_REASON");
    EXPECT_EQ(RetryDelayMs(back), std::nullopt);
  }
}

TEST(GrpcStatus, MetadataGoThereAndBackAndAreBounded) {
  absl::Status status = MakeError(absl::StatusCode::kDeadlineExceeded, "REPLICAS_PENDING", "1 of 2");
  status = WithMetadata(status, "have", "1");
  status = WithMetadata(status, "wanted", "\xff" + std::string(1000, 'x'));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(DetailsOf(ToGrpcStatus(status)).details(0).UnpackTo(&info));
  EXPECT_EQ(info.metadata().at("have"), "1");
  const auto back = ErrorMetadata(FromGrpcStatus(ToGrpcStatus(status)));
  EXPECT_EQ(back.at("have"), "1");
  EXPECT_EQ(back.at("wanted"), "?" + std::string(kErrorMetadataBytesMax - 1, 'x'));
  google::rpc::ErrorInfo foreign;
  foreign.set_domain(kErrorDomain);
  for (int i = 0; i < 100; ++i) (*foreign.mutable_metadata())[std::to_string(1000 + i)] = "v";
  const auto first = ErrorMetadata(FromGrpcStatus(Foreign(foreign)));
  EXPECT_EQ(first.size(), kErrorMetadataMax);
  EXPECT_EQ(first.begin()->first, "1000");
}

TEST(GrpcStatus, DetailsAreWhatAnyClientReads) {
  const auto status = ToGrpcStatus(MakeRetryableError(absl::StatusCode::kUnavailable, "BUSY", "busy", 1250));
  const google::rpc::Status details = DetailsOf(status);
  EXPECT_EQ(details.message(), "busy");
  ASSERT_EQ(details.details_size(), 2);
  EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(details.details(1).type_url(), "type.googleapis.com/google.rpc.RetryInfo");
  google::rpc::ErrorInfo error_info;
  ASSERT_TRUE(details.details(0).UnpackTo(&error_info));
  EXPECT_EQ(error_info.reason(), "BUSY");
  EXPECT_EQ(error_info.domain(), "lamppost");
  google::rpc::RetryInfo retry_info;
  ASSERT_TRUE(details.details(1).UnpackTo(&retry_info));
  EXPECT_EQ(retry_info.retry_delay().seconds(), 1);
  EXPECT_EQ(retry_info.retry_delay().nanos(), 250'000'000);
}

TEST(GrpcStatus, RetryDelayGoesThereAndBack) {
  for (const int64_t delay_ms :
       {int64_t{0}, int64_t{1}, int64_t{999}, int64_t{1000}, int64_t{61'001}, kRetryDelayMsMax}) {
    const auto back = FromGrpcStatus(
        ToGrpcStatus(MakeRetryableError(absl::StatusCode::kResourceExhausted, "FULL", "full", delay_ms)));
    EXPECT_EQ(RetryDelayMs(back), delay_ms);
    EXPECT_EQ(ErrorReason(back), "FULL");
  }
}

TEST(GrpcStatus, RetryDelayIsBounded) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  const auto sent = [](int64_t delay_ms) {
    return RetryDelayMs(
        FromGrpcStatus(ToGrpcStatus(MakeRetryableError(absl::StatusCode::kUnavailable, "R", "m", delay_ms))));
  };
  EXPECT_EQ(sent(kHuge), kRetryDelayMsMax);
  EXPECT_EQ(sent(-5), 0);
  EXPECT_EQ(RetryDelayMs(FromGrpcStatus(WithDelay(kHuge, 999'999'999))), kRetryDelayMsMax);
  EXPECT_EQ(RetryDelayMs(FromGrpcStatus(WithDelay(-kHuge, -1))), 0);
  EXPECT_EQ(RetryDelayMs(FromGrpcStatus(WithDelay(0, std::numeric_limits<int32_t>::max()))), 1000);
  EXPECT_EQ(RetryDelayMs(FromGrpcStatus(WithDelay(0, 1))), 1) << "rounded up";
}

TEST(GrpcStatus, WithoutAReasonTheCodeIsTheReason) {
  EXPECT_EQ(ErrorReason(FromGrpcStatus(ToGrpcStatus(absl::DataLossError("torn")))), "DATA_LOSS");
  EXPECT_EQ(ErrorReason(FromGrpcStatus(ToGrpcStatus(absl::CancelledError("")))), "CANCELLED");
}

TEST(GrpcStatus, WithoutDetailsThereIsNoReason) {
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection refused"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "connection refused");
  EXPECT_EQ(ErrorReason(status), "");
  EXPECT_EQ(RetryDelayMs(status), std::nullopt);
}

TEST(GrpcStatus, AnotherDomainsReasonIsNotTaken) {
  google::rpc::ErrorInfo info;
  info.set_reason("BUSY");
  info.set_domain("proxy.example");
  EXPECT_EQ(ErrorReason(FromGrpcStatus(Foreign(info))), "");
}

TEST(GrpcStatus, UnknownCodesAreUnknown) {
  for (const int code : {17, 31, -1}) {  // what the enum can hold
    EXPECT_EQ(FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(code), "?")).code(),
              absl::StatusCode::kUnknown);
  }
  EXPECT_EQ(ToGrpcStatus(absl::Status(static_cast<absl::StatusCode>(99), "?")).error_code(),
            grpc::StatusCode::UNKNOWN);
}

TEST(GrpcStatus, GarbageDetailsAreIgnored) {
  std::mt19937 random(7);
  const std::string good =
      ToGrpcStatus(MakeRetryableError(absl::StatusCode::kUnavailable, "BUSY", "busy", 1250)).error_details();
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = i % 2 == 0 ? good : std::string(random() % 100, '\0');
    if (i % 2 == 1) {
      for (char& c : bytes) c = static_cast<char>(random());
    } else {
      bytes[random() % bytes.size()] = static_cast<char>(random());
      bytes.resize(random() % (bytes.size() + 1));
    }
    const absl::Status status = FromGrpcStatus(grpc::Status(grpc::StatusCode::ABORTED, "m", bytes));
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(status.message(), "m");
    EXPECT_LE(ErrorReason(status).size(), kErrorReasonBytesMax);
    const int64_t delay_ms = RetryDelayMs(status).value_or(0);
    EXPECT_TRUE(delay_ms >= 0 && delay_ms <= kRetryDelayMsMax) << delay_ms;
  }
}

TEST(GrpcStatus, LongAndBrokenTextIsCutAtACharacterAndCleaned) {
  const auto status =
      ToGrpcStatus(absl::InternalError(std::string(kErrorMessageBytesMax - 1, 'x') + "\xc3\xa9"));
  EXPECT_EQ(status.error_message(), std::string(kErrorMessageBytesMax - 1, 'x'));
  const auto broken = ToGrpcStatus(MakeError(absl::StatusCode::kInternal, "A\xff", "key \xff\xc3( ends"));
  EXPECT_EQ(broken.error_message(), "key ??( ends");
  EXPECT_EQ(DetailsOf(broken).message(), "key ??( ends");
  EXPECT_EQ(ErrorReason(FromGrpcStatus(broken)), "A?");
  // What gRPC has to carry: the message in percent-encoding and the details in base64.
  const auto worst = ToGrpcStatus(
      MakeError(absl::StatusCode::kInternal, std::string(1 << 20, 'R'), std::string(1 << 20, '\xff')));
  EXPECT_LT(worst.error_message().size() * 3 + worst.error_details().size() * 4 / 3, 6000u);
}

}  // namespace
}  // namespace lamppost
