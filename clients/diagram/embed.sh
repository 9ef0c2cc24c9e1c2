#!/usr/bin/env bash
# Prints a C++ header that holds the viewer's script and style as text.
#
# usage: embed.sh VIEWER_JS VIEWER_CSS
set -euo pipefail
cat <<'END'
#ifndef LAMPPOST_CLIENTS_DIAGRAM_VIEWER_ASSETS_H_
#define LAMPPOST_CLIENTS_DIAGRAM_VIEWER_ASSETS_H_

namespace lamppost::diagram {
END
for asset in "kViewerScript $1" "kViewerStyle $2"; do
  printf '\ninline constexpr char %s[] = R"viewer(' "${asset%% *}"
  cat "${asset#* }"
  printf ')viewer";\n'
done
cat <<'END'

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_VIEWER_ASSETS_H_
END
