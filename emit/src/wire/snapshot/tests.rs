//! Snapshots survive any order of chunks and what older ones left behind, and nothing worse.

use super::*;

const KEY: &str = "logwake.tallies/3";

fn state(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|idx| (idx % 251) as u8 ^ seed).collect()
}

fn read(pairs: &[Pair]) -> Result<Option<Snapshot>, SnapshotError> {
    assemble(KEY, pairs.iter().map(|(key, value)| (key.as_str(), value.as_slice())))
}

#[test]
fn any_length_comes_back_from_any_order() {
    for len in [0, 1, CHUNK_PAYLOAD_BYTES_MAX, CHUNK_PAYLOAD_BYTES_MAX + 1, 2_500_000] {
        let (manifest, mut pairs) = split(KEY, 42, &state(len, 0));
        assert!(pairs.iter().all(|(_, value)| value.len() <= CHUNK_BYTES_MAX));
        assert_eq!(pairs.last().unwrap().0, KEY);
        assert_eq!(manifest.chunks as usize, len.div_ceil(CHUNK_PAYLOAD_BYTES_MAX));
        pairs.reverse();
        let snapshot = read(&pairs).unwrap().unwrap();
        assert_eq!((snapshot.manifest.offset, snapshot.state), (42, state(len, 0)));
    }
}

#[test]
fn older_and_unfinished_chunks_are_passed_over() {
    let (_, older) = split(KEY, 1, &state(2_500_000, 1));
    let (_, newer) = split(KEY, 2, &state(1_000_000, 2));
    let (_, unfinished) = split(KEY, 3, &state(2_000_000, 3));
    let begun = unfinished[..2].to_vec();
    let pairs = [older, newer.clone(), begun].concat();
    assert_eq!(read(&pairs).unwrap().unwrap().manifest.offset, 2);
    let mut chunks_after_all = newer;
    chunks_after_all.rotate_left(2);
    let pairs = [split(KEY, 1, &state(9, 1)).1, chunks_after_all].concat();
    assert_eq!(read(&pairs).unwrap().unwrap().state, state(1_000_000, 2));
}

#[test]
fn no_manifest_is_no_snapshot() {
    let (manifest, mut pairs) = split(KEY, 1, &state(100, 0));
    let other = split("logwake.tallies/31", 7, &state(100, 0)).1;
    assert_eq!(read(&other), Ok(None));
    pairs.push((KEY.to_owned(), Vec::new()));
    assert_eq!(read(&pairs), Ok(None), "a tombstone takes the manifest away");
    pairs.truncate(manifest.chunks as usize);
    assert_eq!(read(&pairs), Ok(None));
}

#[test]
fn what_does_not_add_up_is_an_error() {
    let (_, pairs) = split(KEY, 1, &state(2_000_000, 0));
    let broken = |change: &dyn Fn(&mut Vec<Pair>)| {
        let mut pairs = pairs.clone();
        change(&mut pairs);
        read(&pairs).unwrap_err().to_string()
    };
    let missing = broken(&|pairs| drop(pairs.remove(1)));
    assert_eq!(missing, "snapshot logwake.tallies/3 lacks chunk 1 of 3");
    let short = broken(&|pairs| {
        let chunk = &mut pairs[2].1;
        chunk.truncate(chunk.len() - 1);
    });
    assert_eq!(short, "snapshot logwake.tallies/3 has 1999999 bytes, its manifest says 2000000");
    let flipped = broken(&|pairs| pairs[0].1[100] ^= 1);
    assert!(flipped.contains("has hash"), "{flipped}");
    let version = broken(&|pairs| pairs[3].1[0] = 9);
    assert_eq!(version, "decode snapshot record logwake.tallies/3");
}

#[test]
fn a_damaged_snapshot_gives_way_to_the_one_before_it() {
    let (_, older) = split(KEY, 1, &state(1_000_000, 1));
    let (_, mut newer) = split(KEY, 2, &state(1_000_000, 2));
    newer[0].1[100] ^= 1;
    let read = |pairs: &[Pair]| {
        let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        assemble_readable(KEY, pairs)
    };
    let (found, damage) = read(&[older.clone(), newer.clone()].concat());
    assert_eq!(found.unwrap().state, state(1_000_000, 1));
    assert!(matches!(damage, Some(SnapshotError::Hash { .. })));
    let (found, damage) = read(&newer);
    assert_eq!(found, None);
    assert!(matches!(damage, Some(SnapshotError::Hash { .. })));
    assert_eq!(read(&older).1, None);
}

#[test]
fn a_flipped_bit_of_a_manifest_is_noticed() {
    let (_, pairs) = split(KEY, 1_234_567, &state(100, 0));
    let last = pairs.len() - 1;
    for bit in 0..pairs[last].1.len() * 8 {
        let mut pairs = pairs.clone();
        pairs[last].1[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&pairs).is_err(), "bit {bit}");
    }
}

#[test]
fn a_manifest_of_the_version_before_is_read() {
    let (manifest, mut pairs) = split(KEY, 7, &state(100, 0));
    pairs.last_mut().unwrap().1 = encode(SNAPSHOT_VERSION, &manifest);
    assert_eq!(read(&pairs).unwrap().unwrap().manifest, manifest);
}

#[test]
fn keys_are_as_documented() {
    assert_eq!(manifest_key("logwake.tallies", 3), KEY);
    let keys: Vec<String> = chunk_keys(KEY, 1..3).collect();
    assert_eq!(keys, ["logwake.tallies/3#1", "logwake.tallies/3#2"]);
}
