//! Brokers as far as the loop can tell: logs, groups with generations, transactions with fencing, and
//! a fault wherever there can be one.
//!
//! Harsher than the real ones where that is simpler: a commit whose answer is lost may be decided at
//! any time until somebody asks, what a producer left in an open transaction goes out with its next
//! one, and a member that was put out of its group learns of it late.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_ingest::kafka::{Partition, Rebalance};

use crate::runtime::kafka::caution::{Note, Owner};
use crate::runtime::kafka::port::{Committed, Place};

/// Small generator of numbers (xorshift64*, Vigna 2016).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(2_685_821_657_736_338_717) | 1);
        (0..4).for_each(|_| _ = dice.below(2));
        dice
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(2_685_821_657_736_338_717) >> 33) % bound
    }
}

/// Messages of a partition: key and payload.
type Log = Vec<(Vec<u8>, Vec<u8>)>;

/// A member of a group as its coordinator and its own client see it.
#[derive(Default)]
pub struct Member {
    /// Name that its producers go under, and how many there were.
    pub name: String,
    pub epoch: u64,
    /// Whether its producer left nothing open or undecided.
    pub is_whole: bool,
    /// Put out of the group; it learns of it once it is `told`.
    pub is_out: bool,
    pub told: bool,
    /// Dead: nothing it asks is answered.
    pub is_dead: bool,
    pub asked: VecDeque<Rebalance>,
    /// Next offset to fetch of what its client has assigned.
    pub fetch: BTreeMap<Partition, i64>,
}

/// A transaction that is not decided.
struct Open {
    name: String,
    birth: u64,
    epoch: u64,
    messages: Vec<OutMessage>,
    offsets: Vec<Place>,
    /// Whether the partitions may be given up after it.
    is_last: bool,
    /// Whether its commit was asked for, and not answered.
    is_ending: bool,
}

/// The group of one stage.
#[derive(Default)]
pub struct Group {
    pub members: Vec<Member>,
    /// Who has each partition; nobody while it moves.
    owners: BTreeMap<Partition, Option<usize>>,
    pub offsets: BTreeMap<Partition, i64>,
    /// What was noted with each offset, where it was not the last before giving the partition up.
    notes: BTreeMap<Partition, Note>,
    open: Vec<Open>,
    /// Epoch of the newest producer of each name.
    epochs: BTreeMap<String, u64>,
    /// How often a member was put out while it had the payload at a place alone.
    suspects: BTreeMap<(Partition, i64), u32>,
}

/// Everything that the brokers hold.
pub struct World {
    pub dice: Dice,
    pub logs: BTreeMap<Partition, Log>,
    pub groups: BTreeMap<&'static str, Group>,
    /// Whether anything fails at present.
    pub is_stormy: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let dice = Dice::new(seed);
        Self { dice, logs: BTreeMap::new(), groups: BTreeMap::new(), is_stormy: true }
    }

    /// Rolls the dice for a fault that comes once in so many times.
    pub fn fails(&mut self, once_in: u64) -> bool {
        self.is_stormy && self.dice.below(once_in) == 0
    }

    /// Makes a group over the partitions of a topic.
    pub fn make_group(&mut self, stage: &'static str, topic: &str, partitions: i32) {
        let group = self.groups.entry(stage).or_default();
        for partition in (0..partitions).map(|number| (topic.to_owned(), number)) {
            self.logs.entry(partition.clone()).or_default();
            group.owners.insert(partition, None);
        }
    }

    /// Joins a group under a name; returns the number of the member.
    pub fn join(&mut self, stage: &str, name: &str) -> usize {
        let group = self.groups.get_mut(stage).unwrap();
        let name_of = name.to_owned();
        group.members.push(Member { name: name_of, is_whole: true, ..Member::default() });
        let member = group.members.len() - 1;
        group.renew(member);
        let dice = self.dice.below(2) == 0;
        group.settle_open(|open| open.name == name, dice, &mut self.logs);
        group.balance();
        member
    }

    /// Puts a member out: `is_dead` at once and for good, otherwise it will hear of it.
    pub fn put_out(&mut self, stage: &str, member: usize, is_dead: bool) {
        let group = self.groups.get_mut(stage).unwrap();
        group.suspect(member);
        let left = &mut group.members[member];
        (left.is_out, left.told) = (true, false);
        left.is_dead |= is_dead;
        left.asked.clear();
        group.owners.values_mut().filter(|owner| **owner == Some(member)).for_each(|o| *o = None);
        group.balance();
    }

    /// Tells a member that was put out; it has lost everything.
    pub fn tell(&mut self, stage: &str, member: usize) {
        let told = &mut self.groups.get_mut(stage).unwrap().members[member];
        if told.is_out && !told.told {
            told.told = true;
            let partitions = told.fetch.keys().cloned().collect();
            told.asked.push_back(Rebalance::Revoke { partitions, lost: true });
        }
    }

    /// A member gave partitions up; one that was out joins again.
    pub fn release(&mut self, stage: &str, member: usize, partitions: &[Partition]) {
        let group = self.groups.get_mut(stage).unwrap();
        let released = &mut group.members[member];
        released.fetch.retain(|partition, _| !partitions.contains(partition));
        if released.is_out {
            (released.is_out, released.told) = (false, false);
        }
        for partition in partitions {
            if group.owners[partition] == Some(member) {
                group.owners.insert(partition.clone(), None);
            }
        }
        group.balance();
    }

    /// Commits under the newest producer of a name and the generation of the group.
    pub fn commit(
        &mut self,
        (stage, member): (&str, usize),
        outputs: &[&Outbox],
        offsets: &[Place],
        is_last: bool,
    ) -> anyhow::Result<()> {
        let (before, unanswered) = (self.fails(12), self.fails(12));
        let (is_done, is_aborted) = (self.dice.below(2) == 0, self.dice.below(2) == 0);
        let group = self.groups.get_mut(stage).unwrap();
        let from = &group.members[member];
        let is_foreign = from.is_out && !offsets.is_empty();
        if group.epochs[&from.name] != from.epoch {
            group.members[member].is_whole = false;
            anyhow::bail!("fenced by a newer producer");
        }
        let mut open = group.take_open(member);
        let messages = outputs.iter().flat_map(|outbox| outbox.messages());
        open.messages.extend(messages.cloned());
        if is_foreign || before {
            // An abort that is answered leaves nothing open, one that is not leaves everything.
            group.members[member].is_whole = is_aborted;
            if !is_aborted {
                group.open.push(open);
            }
            anyhow::bail!(if is_foreign { "not of this generation" } else { "not delivered" });
        }
        open.offsets.extend(offsets.iter().cloned());
        (open.is_last, open.is_ending) = (is_last, unanswered);
        group.members[member].is_whole = !unanswered;
        if unanswered && !is_done {
            group.open.push(open);
        } else {
            group.apply(open, &mut self.logs);
        }
        anyhow::ensure!(!unanswered, "no answer");
        Ok(())
    }

    /// Makes a new producer under the name of a member, which decides what the one before left, if
    /// it may have left anything.
    pub fn settle(&mut self, stage: &str, member: usize) {
        let is_done = self.dice.below(2) == 0;
        let group = self.groups.get_mut(stage).unwrap();
        if group.members[member].is_whole {
            return;
        }
        group.renew(member);
        let name = group.members[member].name.clone();
        group.settle_open(|open| open.name == name, is_done, &mut self.logs);
    }

    /// Decides what the owners before left open, also where they live, and fences them.
    pub fn take_over(&mut self, stage: &str, member: usize, partitions: &[Partition]) {
        let (is_done, is_slow) = (self.dice.below(2) == 0, self.fails(4));
        let group = self.groups.get_mut(stage).unwrap();
        let own = group.members[member].name.clone();
        let notes = partitions.iter().filter_map(|partition| group.notes.get(partition));
        let by = notes.map(|note| &note.by.name);
        let is_foreign = |by: &&String| !by.is_empty() && **by != own && !is_slow;
        let left: BTreeSet<String> = by.filter(is_foreign).cloned().collect();
        for name in left {
            *group.epochs.entry(name.clone()).or_default() += 1;
            group.settle_open(|open| open.name == name, is_done, &mut self.logs);
        }
    }

    /// Returns committed offsets; brokers answer once no transaction is open over them.
    pub fn committed(&mut self, stage: &str, partitions: &[Partition]) -> Vec<Committed> {
        let is_done = self.dice.below(2) == 0;
        let group = self.groups.get_mut(stage).unwrap();
        let touches =
            |open: &Open| open.offsets.iter().any(|place| partitions.contains(&place.partition));
        group.settle_open(touches, is_done, &mut self.logs);
        let one = |partition: &Partition| Committed {
            partition: partition.clone(),
            offset: group.offsets.get(partition).copied(),
            note: group.notes.get(partition).cloned().unwrap_or_default(),
        };
        partitions.iter().map(one).collect()
    }

    /// Tells whether a payload looked as if a process had died of it.
    pub fn is_suspect(&self, place: &(Partition, i64)) -> bool {
        let count = |group: &Group| group.suspects.get(place).copied().unwrap_or(0);
        self.groups.values().map(count).sum::<u32>() > 0
    }

    /// Returns who a member is to the others: no two have the same number.
    pub fn owner(&self, stage: &str, member: usize) -> Owner {
        let name = self.groups[stage].members[member].name.clone();
        Owner { name, birth: member as u64 }
    }

    /// Flips a bit of the newest record in a partition of a topic.
    pub fn damage(&mut self, topic: &str, partition: i32) {
        let log = self.logs.get_mut(&(topic.to_owned(), partition));
        let Some((_, payload)) = log.and_then(|log| log.last_mut()) else { return };
        let bit = self.dice.below(payload.len() as u64 * 8) as usize;
        payload[bit / 8] ^= 1 << (bit % 8);
    }

    /// Tells whether a partition has a message that a member has not fetched.
    pub fn has_more(&self, stage: &str, member: usize, partition: &Partition) -> bool {
        let fetch = self.groups[stage].members[member].fetch.get(partition);
        fetch.is_some_and(|next| (*next as usize) < self.logs[partition].len())
    }

    /// Returns the next message of a partition that a member has assigned.
    pub fn fetch(
        &mut self,
        stage: &str,
        member: usize,
        partition: &Partition,
    ) -> Option<(i64, Vec<u8>)> {
        let fetch = &mut self.groups.get_mut(stage).unwrap().members[member].fetch;
        let next = fetch.get_mut(partition)?;
        let (_, payload) = self.logs[partition].get(*next as usize)?.clone();
        *next += 1;
        Some((*next - 1, payload))
    }
}

impl Group {
    /// Notes what a member has alone that is put out.
    fn suspect(&mut self, member: usize) {
        let owned = self.notes.iter().filter(|(_, note)| {
            note.by.birth == member as u64 && note.caution.is_alone() && note.caution.is_begun()
        });
        for (partition, _) in owned {
            let offset = self.offsets.get(partition).copied().unwrap_or(0);
            *self.suspects.entry((partition.clone(), offset)).or_default() += 1;
        }
    }

    fn renew(&mut self, member: usize) {
        let member = &mut self.members[member];
        let newest = self.epochs.entry(member.name.clone()).or_default();
        *newest += 1;
        (member.epoch, member.is_whole) = (*newest, true);
    }

    /// Returns the transaction that a producer has open, a new one where there is none.
    fn take_open(&mut self, member: usize) -> Open {
        let Member { name, epoch, .. } = &self.members[member];
        let is_its = |open: &Open| open.name == *name && open.epoch == *epoch;
        match self.open.iter().position(is_its) {
            Some(idx) => self.open.remove(idx),
            None => Open {
                name: name.clone(),
                birth: member as u64,
                epoch: *epoch,
                messages: Vec::new(),
                offsets: Vec::new(),
                is_last: false,
                is_ending: false,
            },
        }
    }

    /// Aborts open transactions, and commits those whose commit was asked for if `is_done`.
    fn settle_open(
        &mut self,
        which: impl Fn(&Open) -> bool,
        is_done: bool,
        logs: &mut BTreeMap<Partition, Log>,
    ) {
        let (settled, open): (Vec<Open>, _) =
            std::mem::take(&mut self.open).into_iter().partition(which);
        self.open = open;
        let ended = settled.into_iter().filter(|open| is_done && open.is_ending);
        ended.for_each(|open| self.apply(open, logs));
    }

    fn apply(&mut self, open: Open, logs: &mut BTreeMap<Partition, Log>) {
        for message in open.messages {
            let partition = (message.topic.to_string(), message.partition.unwrap_or(0));
            let payload = match place_of(&message.headers) {
                Some(place) => place.into_bytes(),
                None => message.payload.unwrap_or_default(),
            };
            logs.entry(partition).or_default().push((message.key, payload));
        }
        for Place { partition, offset, caution } in open.offsets {
            let by = match open.is_last {
                true => Owner::default(),
                false => Owner { name: open.name.clone(), birth: open.birth },
            };
            let is_out = self.members[open.birth as usize].is_out;
            if caution.is_alone() && caution.is_begun() && is_out {
                *self.suspects.entry((partition.clone(), offset)).or_default() += 1;
            }
            // As its text, which is what brokers keep.
            let note = Note::parse(&Note { by, caution }.text());
            self.notes.insert(partition.clone(), note);
            self.offsets.insert(partition, offset);
        }
    }

    /// Moves partitions so that the members have as many each: those without an owner go at once,
    /// the others are asked for first.
    fn balance(&mut self) {
        let members: Vec<usize> =
            (0..self.members.len()).filter(|idx| !self.members[*idx].is_out).collect();
        if members.is_empty() {
            return;
        }
        let wanted: BTreeSet<usize> = members.iter().copied().collect();
        for (idx, (partition, owner)) in self.owners.iter_mut().enumerate() {
            let to = members[idx % members.len()];
            match *owner {
                None => {
                    *owner = Some(to);
                    let asked = &mut self.members[to].asked;
                    asked.push_back(Rebalance::Assign(vec![partition.clone()]));
                }
                Some(from) if from != to && wanted.contains(&from) => {
                    let partitions = vec![partition.clone()];
                    let revoke = Rebalance::Revoke { partitions, lost: false };
                    let asked = &mut self.members[from].asked;
                    if !asked.contains(&revoke) {
                        asked.push_back(revoke);
                    }
                }
                Some(_) => {}
            }
        }
    }
}

/// Returns the place that a dead letter names, as `topic/partition@offset`.
fn place_of(headers: &[(std::borrow::Cow<'static, str>, String)]) -> Option<String> {
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let topic = header("logwake.source.topic")?;
    let (partition, offset) =
        (header("logwake.source.partition")?, header("logwake.source.offset")?);
    Some(format!("{topic}/{partition}@{offset}"))
}
