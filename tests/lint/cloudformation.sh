# The CloudFormation template is one, by cfn-lint; and shellcheck finds no fault in the script in it.
# shellcheck shell=bash
template=deploy/ec2/lamppost.yaml
script=$(
  echo '#!/bin/bash'
  echo 'ROLE=kv NODE_ID=A PORT=8000 PEERS=http://b CLUSTER=c PACKAGE_URL=http://p PACKAGE_SHA256=0'
  sed -n '/^      Text: |$/,/^[^ ]/{/^      Text: |$/d;/^[^ ]/d;s/^        //;p}' "$template"
)
bash -n <<<"$script"
shellcheck --severity=warning - <<<"$script"
find_cfn_lint || {
  status=$?
  echo "$WHY_NO_CFN_LINT"
  exit "$status"
}
"$CFN_LINT" "$template"
