#include "services/security/permit.h"

#include <gtest/gtest.h>

#include <memory>

#include "services/security/certificate_maker.h"

namespace lamppost::security {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class PermitTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Policy> NewPolicy() const {
    return std::make_shared<Policy>(Authorities::Parse(authority_.certificate).value(), std::nullopt);
  }

  const KeyPair authority_ = MakeAuthority("test", {kNow - absl::Hours(1), kNow + absl::Hours(1)}).value();
  Gate gate_{NewPolicy()};
  int asked_ = 0;
  absl::Status answer_;
  Permit permit_{&gate_, [this] {
                   ++asked_;
                   return answer_;
                 }};
};

TEST_F(PermitTest, AsksWhenTheCallBeginsAndWhenThePolicyIsReplaced) {
  EXPECT_TRUE(permit_.Check(kNow).ok());
  EXPECT_TRUE(permit_.Check(kNow + absl::Seconds(59)).ok());
  EXPECT_EQ(asked_, 1);
  gate_.Replace(NewPolicy());
  EXPECT_TRUE(permit_.Check(kNow + absl::Seconds(59)).ok());
  EXPECT_EQ(asked_, 2);
  gate_.Replace(NewPolicy());
  answer_ = absl::PermissionDeniedError("taken out");
  EXPECT_EQ(permit_.Check(kNow + absl::Seconds(59)), answer_);
  EXPECT_EQ(permit_.Check(kNow + absl::Seconds(59)), answer_) << "a refusal is no permission";
}

TEST_F(PermitTest, AsksEachMinute) {
  EXPECT_TRUE(permit_.Check(kNow).ok());
  answer_ = absl::UnauthenticatedError("the certificate has expired");
  EXPECT_EQ(permit_.Check(kNow + absl::Minutes(1)), answer_);
}

// A policy that comes while the old one is asked is not taken for asked.
TEST_F(PermitTest, APolicyThatComesMeanwhileIsAskedNext) {
  Permit permit(&gate_, [this] {
    if (++asked_ == 1) gate_.Replace(NewPolicy());
    return absl::OkStatus();
  });
  EXPECT_TRUE(permit.Check(kNow).ok());
  EXPECT_TRUE(permit.Check(kNow).ok());
  EXPECT_TRUE(permit.Check(kNow).ok());
  EXPECT_EQ(asked_, 2);
}

TEST_F(PermitTest, WithoutAGateEverybodyMay) {
  answer_ = absl::PermissionDeniedError("");
  Permit permit(nullptr, [this] { return answer_; });
  EXPECT_TRUE(permit.Check(kNow).ok());
}

}  // namespace
}  // namespace lamppost::security
