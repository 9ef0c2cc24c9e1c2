#include "services/kv/core/heads.h"

#include <vector>

#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

const Origin kA1{"A", uint64_t{1} << 32 | 7};
const Origin kA2{"A", uint64_t{2} << 32 | 3};
const Origin kB1{"B", uint64_t{1} << 32 | 5};

TEST(HeadsTest, AnUnknownOriginIsAtZero) {
  EXPECT_EQ(Heads().At(kA1), 0u);
  EXPECT_EQ((Heads{{kA2, 5}}).At(kA1), 0u) << "another life is another origin";
  EXPECT_TRUE(Heads().Covers({0, kA1}));
  EXPECT_FALSE(Heads().Covers({1, kA1}));
}

TEST(HeadsTest, RaisingNeverLowers) {
  Heads heads{{kA1, 5}};
  heads.Raise(kA1, 3);
  EXPECT_EQ(heads.At(kA1), 5u);
  heads.Raise(kA1, 6);
  EXPECT_EQ(heads.At(kA1), 6u);
  heads.RaiseAll({{kA1, 1}, {kB1, 2}});
  EXPECT_EQ(heads, (Heads{{kA1, 6}, {kB1, 2}}));
}

TEST(HeadsTest, RaisesAllWhereverTheyStandAmongThoseThatAreThere) {
  Heads heads{{kA2, 5}};
  heads.RaiseAll({{kA1, 1}, {kA2, 4}, {kB1, 2}});
  EXPECT_EQ(heads, (Heads{{kA1, 1}, {kA2, 5}, {kB1, 2}}));
  Heads none;
  none.RaiseAll(heads);
  EXPECT_EQ(none, heads);
  none.RaiseAll(none);
  none.RaiseAll({});
  EXPECT_EQ(none, heads);
}

TEST(HeadsTest, OfTakesEntriesInAnyOrder) {
  EXPECT_EQ(Heads::Of({}), Heads());
  EXPECT_EQ(Heads::Of({{kB1, 2}, {kA2, 0}, {kA1, 5}, {kA1, 6}, {kB1, 1}}),
            (Heads{{kA1, 6}, {kA2, 0}, {kB1, 2}}));
}

TEST(HeadsTest, CoversWhatIsAtOrBelow) {
  const Heads heads{{kA1, 5}};
  EXPECT_TRUE(heads.Covers({5, kA1}));
  EXPECT_FALSE(heads.Covers({6, kA1}));
  EXPECT_FALSE(heads.Covers({5, kA2}));
}

TEST(HeadsTest, IsCoveredByComparesEveryOrigin) {
  EXPECT_TRUE(Heads().IsCoveredBy(Heads()));
  EXPECT_TRUE(Heads().IsCoveredBy({{kA1, 1}}));
  EXPECT_TRUE((Heads{{kA1, 0}}).IsCoveredBy(Heads()));
  EXPECT_FALSE((Heads{{kA1, 1}}).IsCoveredBy(Heads()));
  EXPECT_TRUE((Heads{{kA1, 1}, {kB1, 2}}).IsCoveredBy({{kA1, 1}, {kB1, 3}}));
  EXPECT_FALSE((Heads{{kA1, 1}, {kB1, 2}}).IsCoveredBy({{kA1, 9}, {kB1, 1}}));
  EXPECT_FALSE((Heads{{kB1, 2}}).IsCoveredBy({{kA1, 9}, {kA2, 9}}));
  EXPECT_TRUE((Heads{{kB1, 2}}).IsCoveredBy({{kA1, 1}, {kA2, 1}, {kB1, 2}}));
  EXPECT_FALSE((Heads{{kA2, 2}}).IsCoveredBy({{kA1, 9}, {kB1, 9}}));
}

TEST(HeadsTest, TheOrderOfEntriesIsThatOfTheOriginsHoweverTheyCame) {
  const Heads one{{kB1, 1}, {kA2, 2}, {kA1, 3}};
  const Heads other{{kA1, 3}, {kB1, 1}, {kA2, 2}};
  EXPECT_EQ(one, other);
  std::vector<Origin> origins;
  for (const auto& [origin, counter] : one) origins.push_back(origin);
  EXPECT_EQ(origins, (std::vector<Origin>{kA1, kA2, kB1}));
  EXPECT_EQ(ToString(one), "A.1:3 A.2:2 B.1:1");
}

TEST(HeadsTest, AnOriginAtZeroIsKnownAllTheSame) {
  Heads heads;
  heads.Raise(kA2, 0);
  EXPECT_EQ(heads.size(), 1u);
  EXPECT_NE(heads, Heads());
  EXPECT_EQ(heads.NewestIncarnation("A"), kA2.incarnation);
}

TEST(HeadsTest, NewestIncarnationAndMax) {
  const Heads heads{{kA1, 9}, {kA2, 2}, {kB1, 4}};
  EXPECT_EQ(heads.NewestIncarnation("A"), kA2.incarnation);
  EXPECT_EQ(heads.NewestIncarnation("B"), kB1.incarnation);
  EXPECT_EQ(heads.NewestIncarnation("C"), 0u);
  EXPECT_EQ(heads.Max(), 9u);
  EXPECT_EQ(Heads().Max(), 0u);
}

TEST(HeadsTest, HeadsAgreeIfTheyCoverTheSameWrites) {
  const Origin a{"A", 1};
  const Origin b{"B", 1};
  EXPECT_TRUE(Agree({{a, 3}}, {{a, 3}}));
  EXPECT_TRUE(Agree({{a, 3}, {b, 0}}, {{a, 3}})) << "a life that has written nothing";
  EXPECT_FALSE(Agree({{a, 3}}, {{a, 4}}));
  EXPECT_FALSE(Agree({{a, 3}, {b, 1}}, {{a, 3}}));
}

}  // namespace
}  // namespace lamppost::kv
