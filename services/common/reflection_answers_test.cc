#include "services/common/reflection_answers.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "grpc/health/v1/health.pb.h"

namespace lamppost {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptorProto;
using testing::ElementsAre;
using testing::IsEmpty;

using Request = ReflectionAnswers::Request;
using Response = ReflectionAnswers::Response;

// a imports b and c, both import d; d has a message with extensions 100 and 101, defined in c and e.
class ReflectionAnswersTest : public testing::Test {
 protected:
  ReflectionAnswersTest() {
    FileDescriptorProto d = File("d.proto", {});
    auto* base = d.add_message_type();
    base->set_name("Base");
    base->add_extension_range()->set_start(100);
    base->mutable_extension_range(0)->set_end(200);
    pool_.BuildFile(d);
    pool_.BuildFile(File("b.proto", {"d.proto"}));
    FileDescriptorProto c = File("c.proto", {"d.proto"});
    AddExtension("in_c", 101, &c);
    pool_.BuildFile(c);
    FileDescriptorProto a = File("a.proto", {"b.proto", "c.proto"});
    a.add_service()->set_name("Service");
    auto* method = a.mutable_service(0)->add_method();
    method->set_name("Method");
    method->set_input_type(".t.Base");
    method->set_output_type(".t.Base");
    a.add_dependency("d.proto");
    pool_.BuildFile(a);
    FileDescriptorProto e = File("e.proto", {"d.proto"});
    AddExtension("in_e", 100, &e);
    pool_.BuildFile(e);
  }

  static FileDescriptorProto File(const std::string& name, const std::vector<std::string>& imports) {
    FileDescriptorProto file;
    file.set_name(name);
    file.set_package("t");
    for (const std::string& import : imports) file.add_dependency(import);
    return file;
  }

  static void AddExtension(const std::string& name, int number, FileDescriptorProto* file) {
    auto* extension = file->add_extension();
    extension->set_name(name);
    extension->set_number(number);
    extension->set_extendee(".t.Base");
    extension->set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
    extension->set_type(google::protobuf::FieldDescriptorProto::TYPE_INT32);
  }

  static std::vector<std::string> FilesIn(const Response& response) {
    std::vector<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.push_back(file.name());
    }
    return names;
  }

  std::vector<std::string> FilesFor(const std::string& symbol) {
    Request request;
    request.set_file_containing_symbol(symbol);
    return FilesIn(answers_.Answer(request));
  }

  int ErrorFor(const Request& request) {
    const Response response = answers_.Answer(request);
    EXPECT_TRUE(response.has_error_response());
    EXPECT_FALSE(response.error_response().error_message().empty());
    return response.error_response().error_code();
  }

  DescriptorPool pool_;
  std::vector<std::string> services_ = {"t.One", "t.Two"};
  ReflectionAnswers answers_{&pool_, &services_};
};

TEST_F(ReflectionAnswersTest, ListsTheServices) {
  Request request;
  request.set_host("h");
  request.set_list_services("");
  const Response response = answers_.Answer(request);
  ASSERT_EQ(response.list_services_response().service_size(), 2);
  EXPECT_EQ(response.list_services_response().service(1).name(), "t.Two");
  EXPECT_EQ(response.valid_host(), "h");
  EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
}

TEST_F(ReflectionAnswersTest, AFileComesWithAllItsImportsOnce) {
  Request request;
  request.set_file_by_filename("a.proto");
  EXPECT_THAT(FilesIn(answers_.Answer(request)), ElementsAre("a.proto", "b.proto", "c.proto", "d.proto"));
}

TEST_F(ReflectionAnswersTest, FindsTheFileOfEachKindOfSymbol) {
  EXPECT_THAT(FilesFor("t.Base"), ElementsAre("d.proto"));
  EXPECT_THAT(FilesFor("t.in_c"), ElementsAre("c.proto"));
  EXPECT_THAT(FilesFor("t.Service.Method"), ElementsAre("a.proto", "b.proto"));
  EXPECT_THAT(FilesFor("t.Service"), ElementsAre("a.proto"))
      << "what was asked for is sent again, its imports not";
}

TEST_F(ReflectionAnswersTest, FindsExtensions) {
  Request request;
  request.mutable_file_containing_extension()->set_containing_type("t.Base");
  request.mutable_file_containing_extension()->set_extension_number(100);
  EXPECT_THAT(FilesIn(answers_.Answer(request)), ElementsAre("e.proto", "d.proto"));
  request.set_all_extension_numbers_of_type("t.Base");
  const Response response = answers_.Answer(request);
  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(), "t.Base");
  EXPECT_THAT(response.all_extension_numbers_response().extension_number(), ElementsAre(100, 101));
}

TEST_F(ReflectionAnswersTest, SaysWhatItCannotAnswer) {
  constexpr int kNotFound = 5;
  constexpr int kInvalidArgument = 3;
  Request request;
  EXPECT_EQ(ErrorFor(request), kInvalidArgument);
  request.set_file_by_filename("none.proto");
  EXPECT_EQ(ErrorFor(request), kNotFound);
  for (const char* symbol : {"", ".", "t.None", "t.Base\xff", ".t.Base"}) {
    request.set_file_containing_symbol(symbol);
    EXPECT_EQ(ErrorFor(request), kNotFound) << symbol;
  }
  request.set_all_extension_numbers_of_type("t.None");
  EXPECT_EQ(ErrorFor(request), kNotFound);
  request.mutable_file_containing_extension()->set_containing_type("t.Base");
  request.mutable_file_containing_extension()->set_extension_number(150);
  EXPECT_EQ(ErrorFor(request), kNotFound);
}

TEST(ReflectionAnswers, AnswersFromTheGeneratedPool) {
  (void)grpc::health::v1::HealthCheckRequest::descriptor();
  const std::vector<std::string> services;
  ReflectionAnswers answers(DescriptorPool::generated_pool(), &services);
  Request request;
  request.set_file_containing_symbol("grpc.health.v1.Health.Check");
  ASSERT_EQ(answers.Answer(request).file_descriptor_response().file_descriptor_proto_size(), 1);
  request.set_list_services("*");
  EXPECT_THAT(answers.Answer(request).list_services_response().service(), IsEmpty());
}

}  // namespace
}  // namespace lamppost
