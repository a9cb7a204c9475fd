//! Words whose change changes the meaning, and words after which a name is to be expected.
//!
//! General English and operations vocabulary. A word that is not here may still be an English
//! word: the catalogue therefore asks for several values before it believes in a variable.

/// How ready a constant word is to be seen as the value of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Openness {
    /// A verb, a state, a function word: never a value.
    Fixed,
    /// A common noun: a value only where others were seen.
    Weak,
    /// A name, an identifier, an unknown word.
    Open,
}

/// What stands before a word, and how much it promises a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// After `=`, between quotes, after a word such as `user`.
    Slot,
    /// After a colon or a preposition.
    Likely,
    /// Anywhere else.
    Plain,
}

/// Verbs in any form that the endings below do not catch, states and opposites.
const STATES: &str = "\
 abort aborts absent accept accepts access active add adds alive allow allows append apply assert \
 attach auto available awake bad begin begins begun bind block blocks boot break broken build busy \
 call calls cancel cancels change changes clean clear clears close closes commit commits complete \
 completes connect connects copy corrupt crash create creates critical dead degraded delete deletes \
 deny denies destroy detach disable disabled disables disconnect discard done down drop drops empty \
 enable enables end ends enter enters error errors evict exit exits expire expires fail fails failure fatal \
 fetch fetches find finish finishes flush follower force found free freeze full get gets give go \
 gone good grant halt halts hang hangs healthy held high hold hung idle ignore ignores inactive incomplete \
 increase decrease init insert install invalid join joins keep kill kills launch launches leader learn leave leaves left \
 listen load loads lock locks login logon logoff logout lose loses lost low made make makes mark master mount \
 move new normal off offline ok on online open opens out panic park pass pause pauses pending permit \
 ping poll primary probe put quit raise reach reached read reads ready rebalance reboot rebuild receive receives recover recovers refresh \
 refuse refuses register reject rejects release reload remove removes rename renew repair replace \
 report reports request requests reset resets resolve resolves restart restarts restore resume resumes retry return \
 returns revert revoke rollback rotate run runs save saves scan secondary select send sends sent set sets shut shutdown \
 skip skips slave sleep slow spawn split stale standby start starts stop stops store stores stuck \
 submit success succeed succeeds successful successfully suspend suspends sync take takes terminate test throw throws timeout took \
 transition trigger try turn unable unavailable unblock unhealthy unknown unload unlock unlocked unmount \
 unreachable unregister unset untrusted up update updates upgrade upload download use valid verify view modify wait waits wake warn \
 warning warnings went win write writes wrote yes no not never none nothing is are was were be been has had have does did \
 can cannot could will would should may might must the a an and or but if then else when while \
 of in into onto with without within before after since until than as it its this that these those \
 there here from to by for at via per all any each every some more most less least only also \
 again already still yet too very now next last first second previous both either neither nor info debug trace notice enter leave \
 min max minimum maximum true false null input output inbound outbound incoming outgoing left right upper lower top bottom";

/// Common nouns of operations.
const NOUNS: &str = "\
 account action address admin agent alarm alert answer api app application argument array attempt attribute \
 backend backup bank batch bit block body boot broker bucket buffer bus bytes cache call card catalog \
 certificate chain channel check checkpoint child chunk class client clock cluster code collection \
 column command condition config configuration connection console consumer container content context \
 controller cookie core count counter cpu credential cursor cycle daemon data database datagram date default \
 device directory disk document domain driver element endpoint engine entry environment epoch event \
 exception executor expression fan field file filter filesystem firewall flag folder format frame frontend function gateway \
 graph group guest handler handshake hardware head header heap host hostname hour id image index instance instruction \
 integer interface interrupt interval item job journal kernel key keyspace kind label latency length level library \
 license limit line link list listener local location log machine mailbox manager map mask measure member memory \
 message metadata method metric migration mode model module monitor name namespace network node notification number \
 object offset operation option order owner package packet page pair parameter parent parity part partition password \
 path payload peer percent permission phase pid pipe pipeline plugin point policy pool pod port power prefix process processor \
 producer product program project property protocol provider proxy publisher query queue quorum quota range rank \
 rate reader reason receiver record recovery reference region registry remote replica replication repository resource \
 response result role root route router row rule schedule scheduler schema screen script search section sector \
 segment sender sequence server service session shard shell signal site size slot snapshot socket software source \
 space stack stage standby state statement status step storage stream string subnet subscriber subsystem suffix support \
 symbol system tab table tag target task temperature template tenant term text thread threshold ticket time timer \
 timestamp token topic total transaction transfer transport tree trigger tunnel type unit url user username \
 value variable version vertex volume voltage watch watcher web window word worker workflow workspace writer zone";

/// Words after which a name follows.
const SLOT_WORDS: &str = "\
 user users username uname login account accounts owner member customer tenant client host hostname node server service \
 domain group role database db schema keyspace table index topic queue exchange bucket container pod namespace \
 deployment job task workflow pipeline plugin module package repository repo branch cluster zone region \
 volume device file directory folder named called ruser logname app application image class function \
 method command program process daemon principal realm profile";

/// Words after which a value is likely but a phrase may follow.
const LIKELY_WORDS: &str = "\
 from to by for at on via with id name key value type mode state status level reason code version peer \
 worker thread interface port path partition replica shard consumer producer broker topic session \
 component item element object label tag flag option parameter property attribute variable";

/// Reports how ready a word is to be a value.
pub(crate) fn openness(word: &str) -> Openness {
    if !word.bytes().any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80) {
        return Openness::Fixed;
    }
    if is_identifier(word) {
        return Openness::Open;
    }
    let lower = word.to_lowercase();
    if lists(STATES, &lower) || is_inflected(&lower) {
        Openness::Fixed
    } else if lists(NOUNS, &lower) || lower.strip_suffix('s').is_some_and(|one| lists(NOUNS, one)) {
        Openness::Weak
    } else {
        Openness::Open
    }
}

/// Reports what the word before promises of the next one.
pub(crate) fn context_after(word: &str) -> Context {
    let lower = word.to_lowercase();
    if lists(SLOT_WORDS, &lower) {
        Context::Slot
    } else if lists(LIKELY_WORDS, &lower) {
        Context::Likely
    } else {
        Context::Plain
    }
}

/// Digits, underscores, inner capitals, dots, dashes: nobody's prose.
fn is_identifier(word: &str) -> bool {
    let bytes = word.as_bytes();
    let marked = bytes.iter().any(|byte| byte.is_ascii_digit() || b"_.@$/\\~%".contains(byte));
    let humped =
        bytes.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    marked || humped
}

/// Past forms and participles.
fn is_inflected(lower: &str) -> bool {
    lower.len() > 4 && (lower.ends_with("ed") || lower.ends_with("ing"))
}

fn lists(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}
