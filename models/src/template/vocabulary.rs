//! Words whose change changes the meaning, and words after which a name is to be expected.
//!
//! General English and operations vocabulary. A word that is not here may still be an English
//! word: the catalogue therefore asks for several values before it believes in a variable.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::WILDCARD;

/// How ready a constant word is to be seen as the value of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Openness {
    /// A state, a function word: never a value.
    Fixed,
    /// A verb in any form that is not a state: a value only where many names were seen.
    Verb,
    /// A common noun: a value only where others were seen.
    Weak,
    /// A short word with a digit at its end, `eth0`: a value beside masked ones.
    Device,
    /// A word in no list.
    Open,
    /// Nobody's prose: inner capitals, digits, dots, dashes, or a variable within.
    Identifier,
}

/// What stands before a word, and how much it promises a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// After `=`, or between quotes after a word such as `user`.
    Value,
    /// After a word such as `user`.
    Slot,
    /// Between quotes.
    Quoted,
    /// Between square brackets.
    Bracketed,
    /// After a colon or a preposition.
    Likely,
    /// Anywhere else.
    Plain,
}

/// States, opposites, irregular forms and function words.
const STATES: &str = "\
 a absent access active after again alive all already also an and any are as at auto available \
 awake bad be been before begins begun both bottom broken busy but by can cannot could critical \
 dead degraded did disabled does done down each either else empty enabled error errors every \
 fail fails failure false fatal first follower for found free freeze from full gone good had has \
 have healthy held here high hung idle if in inactive inbound incoming incomplete info input \
 into invalid is it its last leader least left less lost low lower made master max maximum may \
 might min minimum more most must neither never new next no none nor normal not nothing now null \
 of off offline ok on online only onto or out outbound outgoing output pending per previous \
 primary reached ready right second secondary sent should since slave slow some stale standby \
 still stuck succeed succeeds success successful successfully suspended than that the then there \
 these this those to too took top true unable unavailable unhealthy unknown unlocked unreachable \
 until untrusted up upper valid very via warning warnings was went were when while will win with \
 within without would wrote yes yet";

/// Verbs in their base form and in the third person.
const VERBS: &str = "\
 abort aborts accept accepts add adds allow allows append apply assert attach begin bind block \
 blocks boot break build call calls cancel cancels change changes clean cleanup clear clears close \
 closes commit commits complete completes connect connects copy corrupt crash create creates \
 debug decrease delete deletes denies deny destroy detach disable disables discard disconnect \
 download drop drops enable enables end ends enter enters evict exit exits expire expires fetch \
 fetches find finish finishes flush force get gets give go grant halt halts hang hangs hold \
 ignore ignores increase init insert install join joins keep kill kills launch launches learn \
 leave leaves listen load loads lock locks login logoff logon logout lose loses make makes mark \
 mode modify mount move notice open opens panic park pass pause pauses permit ping poll probe \
 put quit raise reach read reads rebalance reboot rebuild receive receives recover recovers \
 refresh refuse refuses register reject rejects release reload remove removes rename renew \
 repair replace report reports request requests reset resets resolve resolves restart restarts \
 restore resume resumes retry return returns revert revoke rollback rotate run runs save saves \
 scan select send sends set sets setup shut shutdown skip skips sleep spawn split start starts stop \
 stops store stores submit suspend suspends sync take takes terminate test throw throws timeout \
 trace transition trigger try turn unblock unload unlock unmount unregister unset update updates \
 upgrade upload use verify view wait waits wake warn write writes";

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
  user users username uname login account accounts owner member customer tenant host hostname node \
  server domain group role database db service schema keyspace table topic queue exchange bucket container \
  pod namespace deployment job task workflow plugin repository repo branch cluster zone region \
  volume device dev disk driver network file directory folder named called ruser logname profile principal realm";

/// Words after which a value is likely but a phrase may follow.
const LIKELY_WORDS: &str = "\
  client index pipeline module package app application image class function method command \
  program process daemon \
 from to by for at on via with is in into of as using id name key value type mode state status level reason code version peer \
 worker thread interface port path partition replica shard consumer producer broker topic session \
 component item element object label tag flag option parameter property attribute variable";

/// Words that carry no meaning of their own.
const FUNCTION_WORDS: &str = "a an the of in on at to from by for with and or is are was were be as it its \
      this that not no has have had been set";

/// Accounts that most systems have.
const ACCOUNTS: &str = "\
  root admin administrator guest test nobody daemon postgres mysql oracle ubuntu debian ftp \
  www-data apache sysadmin operator anonymous ec2-user";

/// Reports whether a word is an account that most systems have.
pub(crate) fn is_account(word: &str) -> bool {
    lists(List::Accounts, word)
}

/// Reports whether a word is a method of HTTP, which varies as the value of a key.
pub(crate) fn is_http_method(word: &str) -> bool {
    matches!(word, "GET" | "POST" | "PUT" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS")
}

/// Reports whether the value of a key is somebody's or some machine's name.
pub(crate) fn is_identity_key(key: &str) -> bool {
    matches!(
        key,
        "user"
            | "username"
            | "user_name"
            | "USER"
            | "User"
            | "ruser"
            | "logname"
            | "host"
            | "hostname"
            | "rhost"
            | "uname"
            | "account"
            | "login"
    )
}

/// Reports whether a word carries no meaning of its own.
pub(crate) fn is_function_word(word: &str) -> bool {
    word.len() < 2 || lists(List::FunctionWords, &word.to_lowercase())
}

/// Reports how ready a word is to be a value.
pub(crate) fn openness(word: &str) -> Openness {
    if !word.bytes().any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80) {
        return Openness::Fixed;
    }
    if is_device(word) {
        return Openness::Device;
    }
    if is_identifier(word) {
        return told_by(word).unwrap_or(Openness::Identifier);
    }
    let lower = word.to_lowercase();
    if lists(List::States, &lower) {
        Openness::Fixed
    } else if lists(List::Verbs, &lower) || is_inflected(&lower) {
        Openness::Verb
    } else if lists(List::Nouns, &lower)
        || lower.strip_suffix('s').is_some_and(|one| lists(List::Nouns, one))
    {
        Openness::Weak
    } else {
        Openness::Open
    }
}

/// Reports what the word before promises of the next one.
pub(crate) fn context_after(word: &str) -> Context {
    let lower = word.to_lowercase();
    if lists(List::SlotWords, &lower) {
        Context::Slot
    } else if lists(List::LikelyWords, &lower) {
        Context::Likely
    } else {
        Context::Plain
    }
}

/// Digits, underscores, inner capitals, dots, dashes: nobody's prose.
fn is_identifier(word: &str) -> bool {
    let bytes = word.as_bytes();
    let marked = bytes.iter().any(|byte| byte.is_ascii_digit() || b"_.@$/\\~%<".contains(byte));
    let humped =
        bytes.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    marked || humped
}

/// `eth0`, `sda1`, `tty7`: short letters and one digit.
fn is_device(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() + 1 == word.len()
        && letters.len() <= 5
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `JOB_FAILED_LATE`, `authFailed`, `restart-<*>`: an identifier that tells what happened, and
/// whether by a state or by a verb.
fn told_by(identifier: &str) -> Option<Openness> {
    let identifier = identifier.split(WILDCARD).next().unwrap_or_default();
    if identifier.contains(['/', '@', '\\', '%', '$']) {
        return None;
    }
    if identifier.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let part = last_part(identifier)?;
        return tells(&part);
    }
    let parts = identifier.split(|c: char| !c.is_alphabetic());
    parts.filter_map(|part| tells(&part.to_lowercase())).min()
}

/// What a part of an identifier says: states and participles before verbs.
fn tells(part: &str) -> Option<Openness> {
    if part.len() < 2 {
        None
    } else if lists(List::States, part) || is_inflected(part) {
        Some(Openness::Fixed)
    } else {
        lists(List::Verbs, part).then_some(Openness::Verb)
    }
}

/// The last word in `ACTION_DOWN` or `authFailed`, in lower case.
fn last_part(identifier: &str) -> Option<String> {
    let part = identifier.rsplit(|c: char| !c.is_alphabetic()).find(|part| !part.is_empty())?;
    let start = if part.bytes().all(|byte| byte.is_ascii_uppercase()) {
        0
    } else {
        part.rfind(|c: char| c.is_uppercase()).unwrap_or(0)
    };
    Some(part[start..].to_lowercase())
}

/// Past forms and participles.
fn is_inflected(lower: &str) -> bool {
    lower.len() > 4 && (lower.ends_with("ed") || lower.ends_with("ing"))
}

/// A list that a word may be on.
#[derive(Clone, Copy)]
enum List {
    States = 1,
    Verbs = 2,
    Nouns = 4,
    SlotWords = 8,
    LikelyWords = 16,
    Accounts = 32,
    FunctionWords = 64,
}

fn lists(list: List, word: &str) -> bool {
    static WORDS: OnceLock<FxHashMap<&'static str, u8>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let lists = [
            (List::States, STATES),
            (List::Verbs, VERBS),
            (List::Nouns, NOUNS),
            (List::SlotWords, SLOT_WORDS),
            (List::LikelyWords, LIKELY_WORDS),
            (List::Accounts, ACCOUNTS),
            (List::FunctionWords, FUNCTION_WORDS),
        ];
        let mut words = FxHashMap::default();
        for (list, text) in lists {
            for word in text.split_ascii_whitespace() {
                *words.entry(word).or_default() |= list as u8;
            }
        }
        words
    });
    words.get(word).is_some_and(|on| on & list as u8 != 0)
}
