# SPDX-License-Identifier: Apache-2.0
# Writes the demonstration account: demo_account BUDGET SECONDS GOAL PACING CTR [CEILING] > FILE
demo_account() {
    local here sizes creatives id=100
    here=$(dirname "${BASH_SOURCE[0]}")
    sizes="300x250 960x90 728x90 1000x90 336x280 950x90 250x250 160x600 200x200 468x60 120x600
           640x90 320x50 300x600 300x300"
    creatives=
    for size in $sizes; do
        id=$((id + 1))
        creatives+="          - {id: $id, format: banner, size: $size, secure: true, "
        creatives+="landing: \"https://shop.example/?c=$id\", markup: \"<a href='{{click_url}}'>"
        creatives+="<img src='https://shop.example/$id.png' width='{{width}}' height='{{height}}'></a>"
        creatives+="<img src='{{imp_url}}' width='1' height='1'>\"}"$'\n'
    done
    local text
    text=$(<"$here/account.yaml.in")
    text=${text//@BUDGET@/$1}
    text=${text//@SECONDS@/$2}
    text=${text//@GOAL@/$3}
    text=${text//@PACING@/$4}
    text=${text//@CTR@/$5}
    text=${text//@CEILING@/${6:-3}}
    printf '%s\n' "${text//@CREATIVES@/$creatives}"
}
