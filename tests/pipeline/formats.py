"""What is expected of every file of the sample set of real formats."""

from dataclasses import dataclass

from backend.knowledge.models import Kind


@dataclass(frozen=True)
class Read:
    """What becomes of a file: `says` must be in one passage, `never` in none; `at` is a sentence within one cue, or
    one that follows a time in a transcript, of which the moment is looked up in the file."""

    file: str
    kind: Kind
    title: str
    chunks: int
    says: str
    never: str
    at: str = ""
    speaker: str | None = None
    remarks: int = 0


@dataclass(frozen=True)
class Refused:
    """A file that is not ingested, and words of the reason."""

    file: str
    reason: str


READ = (
    Read(
        "srt/Local and National Publishers-in-Indonesia.srt",
        "video",
        "Local and National Publishers in Indonesia",
        13,
        says="My name is Zulidyana Rusnalasari, you can call me Lydia or Jana",
        never="Zulidyana Rusnalasari:",
        at="Indonesian instead of Sciences is a government Institute of",
        speaker="Zulidyana Rusnalasari",
    ),
    Read(
        "srt/edge-invalid_timeframe.srt",
        "video",
        "Edge invalid timeframe",
        1,
        says="#4 Caption text #5",
        never="-->",
        at="text #2",
    ),
    Read(
        "srt/ols-a-primer-on-open-license.srt",
        "video",
        "Ols a primer on open license",
        10,
        says="I'm here to talk to you very briefly about open licenses.",
        never="Hao Ye:",
        at="copy, modify, and redistribute work.",
        speaker="Hao Ye",
    ),
    Read(
        "srt/ols-fair-data.ar.srt",
        "video",
        "Ols fair data",
        49,
        says="أنا الدكتورة إيما آن هاريس. وقد عملت في أخلاقيات و نزاهة الابحاث",
        never="إيما آن هاريس:",
        at="على دراية بذلك",
        speaker="إيما آن هاريس",
    ),
    Read(
        "srt/ols-introduction_otter.ai.srt",
        "video",
        "Ols introduction",
        7,
        says="and we build for the understanding, sharing and participation and inclusion.",
        never="Malvika Sharan:",
        at="and we build for the understanding, sharing and",
        speaker="Malvika Sharan",
    ),
    Read(
        "srt/ols-unconscious-bias.srt",
        "video",
        "Ols unconscious bias",
        16,
        says="We don't listen to people over on this side.",
        never="00:10:",
        at="in leadership positions, etc, etc.",
        speaker="Rowland Mosbergen",
    ),
    Read("vtt/edge-bom.vtt", "video", "Edge bom", 1, says="#1 Caption text #2", never="\ufeff", at="text #3"),
    Read(
        "vtt/edge-comments.vtt",
        "video",
        "Edge comments",
        1,
        says="Ta en kopp varmt te. - Det är inte varmt.",
        never="Kyle",
        at="Det smakar som te.",
    ),
    Read(
        "vtt/edge-cue_tags.vtt",
        "video",
        "Edge cue tags",
        1,
        says="When the moon hits your eye Like a big-a pizza pie That's amore",
        never="<",
        at="When the moon hits your eye",
    ),
    Read(
        "vtt/edge-invalid.vtt",
        "video",
        "Edge invalid",
        1,
        says="#6 Caption text #7",
        never="-->",
        at="text #6",
        remarks=1,
    ),
    Read(
        "vtt/edge-multilanguage.vtt",
        "video",
        "Edge multilanguage",
        1,
        says="Payload",
        never="a mari usque",
        at="Payload",
    ),
    Read(
        "vtt/elephantsdream-captions.en.vtt",
        "video",
        "Elephantsdream captions",
        6,
        says="Emo. the machine is like clockwork. One move out of place...",
        never="WEBVTT",
        at="Maybe I could...",
    ),
    Read(
        "vtt/elephantsdream-descriptions.en.vtt",
        "video",
        "Elephantsdream descriptions",
        7,
        says="The door seems harmless enough. From behind the door comes light music.",
        never="WEBVTT",
        at="From behind the door comes light music.",
    ),
    Read(
        "vtt/w3c-machine_learning.vtt",
        "video",
        "W3c machine learning",
        41,
        says="So, uh, we have Willian Watanabe from Universidade Tecnológica Federal do Paraná, in Brazil.",
        never="Kind: captions",
        at="What happens if a change",
    ),
    Read(
        "vtt/w3c-media_accessibility.vtt",
        "video",
        "W3c media accessibility",
        34,
        says="the way they describe those based on who is in front of them",
        never="Language: en",
        at="the way they describe those based on who is in front of them",
    ),
    Read(
        "vtt/w3c-user-stories_compilation.en.vtt",
        "video",
        "W3c user stories compilation",
        18,
        says="Accessibility: It’s about people.",
        never="-->",
        at="it allows me to communicate with more people.",
    ),
    Read(
        "md/bitcointranscripts-stephan-livera-149.md",
        "audio",
        "Is Consumerism at Odds With Privacy in Bitcoin? JoinMarket, PayJoin, SNICKER",
        210,
        says="Waxwing (Adam Gibson): Not at all. It was great. Thank you.",
        never="transcript_by",
        speaker="Waxwing (Adam Gibson)",
    ),
    Read(
        "md/changelog-go-time-100.md",
        "audio",
        "Changelog go time 100",
        81,
        says="I think I was actually in Sydney, around the time that Robert was there",
        never="**",
        at="I think I was actually in Sydney, around the time that Robert was there and we were writing the spec",
        speaker="Rob Pike",
    ),
    Read(
        "md/changelog-practical-ai-1.md",
        "audio",
        "Changelog practical ai 1",
        41,
        says="In retrospect, he was in such a unique position",
        never="\\[",
        at="It's funny, I was at the NVIDIA GPU Conference a few weeks ago",
        speaker="Chris Benson",
    ),
    Read(
        "md/goblog-generating-code.md",
        "article",
        "Generating code",
        11,
        says="is that a computer program can write a computer program.",
        never="template: true",
        speaker="Rob Pike",
    ),
    Read(
        "md/goblog-slices-intro.md",
        "article",
        "Go Slices: usage and internals",
        18,
        says="Slices are analogous to arrays in other languages, but have some unusual properties.",
        never="summary:",
        speaker="Andrew Gerrand",
    ),
    Read(
        "md/til-video-with-subtitles.md",
        "article",
        "HTML video with subtitles",
        4,
        says='<track label="English" kind="subtitles" srclang="en" src="path/to/your/subtitles-en.vtt" default>',
        never="Screenshot of a video player",
    ),
    Read(
        "html/go-effective_go.html",
        "article",
        "Effective Go",
        139,
        says="Go is powerful enough to make a lot happen in a few lines.",
        never="Breadcrumb",
    ),
    Read(
        "html/gutenberg-alice-11-h.htm",
        "article",
        "Alice's Adventures in Wonderland, by Lewis Carroll",
        229,
        says="suddenly a White Rabbit with pink eyes ran close by her.",
        never="margin-left",
    ),
    Read(
        "html/mdn-web-fonts-demo.html",
        "article",
        "Zantroke Regular Specimen",
        30,
        says="There are currently four different font formats that must be included in order to target all browsers.",
        never="All rights reserved",
    ),
    Read(
        "html/rust-1.60-cargo-timing.html",
        "article",
        "Cargo Build Timings",
        34,
        says='cargo 0.62.0 (lib, bin "cargo")',
        never="getElementById",
    ),
    Read(
        "pdf/nara-2022.pdf",
        "document",
        "NARA 2022–2026 Strategic Plan",
        41,
        says="To provide equitable public access to federal government records",
        never="Page 4",
    ),
    Read(
        "pdf/nih-NCT06149832-protocol.pdf",
        "document",
        "Nih NCT06149832 protocol",
        15,
        says="it is urgent to establish a simple, effective and low-toxicity local treatment for oral cGVHD.",
        never="Version: v1.0 Date:",
    ),
    Read(
        "pdf/ntsb-20080109X00035.pdf",
        "document",
        "National Transportation Safety Board Aviation Accident Final Report",
        7,
        says="The pilot's failure to maintain directional control during landing.",
        never="Page 3 of 5",
    ),
    Read(
        "pdf/scotus-598us1r5_1b72.pdf",
        "document",
        "Scotus 598us1r5 1b72",
        45,
        says="Passive voice pulls the actor off the stage.",
        never="Page Proof Pending Publication",
    ),
)

REFUSED = (
    Refused("pdf/court-order-scanned.pdf", "it is scanned and needs OCR"),
    Refused("pdf/nih-NCT06155240-image-only.pdf", "it is scanned and needs OCR"),
)
