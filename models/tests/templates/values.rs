//! Values for the slots of the corpus: what programs write into their lines, made up.

/// A generator of numbers that is the same everywhere (SplitMix64, Steele et al. 2014).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }

    /// Picks a word, the first ones more often.
    fn pick<'a>(&mut self, words: &'a str) -> &'a str {
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        let share = (self.below(1000) * self.below(1000)) as usize;
        words[share * words.len() / 1_000_000]
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }
}

const USERS: &str = "root alice test bob admin carol news dave oracle guest erin webmaster jsmith \
    frank mysql grace cyrus heidi k.brown ivan judy nobody svc_backup mallory niaj www-data olivia \
    peggy rupert sybil trent victor walter student3 zoe";
const WORDS: [(&str, &str); 59] = [
    ("tty", "ssh NODEVssh pts/0 tty1 tty2 pts/3 :0 ttyS0"),
    ("service", "telnet ftp rsync shell klogin imap"),
    ("prog", "httpd java perl python mysqld firefox-bin rpm gmond"),
    ("letter", "A B C D"),
    ("acpi", "PCI0 PCI1 PCI2 P0P2 HUBA"),
    ("lnk", "LNKA LNKB LNKC LNKD LNKE LNKF LNKG LNKH"),
    ("ide", "hda hdb hdc hdd"),
    ("driver", "ata_piix ata_piix aic7xxx ahci megaraid_sas"),
    ("disk", "sda sdb sdc sdd"),
    ("part", "sda1 sda2 sda5 hda1 sdb1 dm-0 dm-1"),
    ("dev", "/dev/sda /dev/sda1 /dev/hda2 /dev/VolGroup00/LogVol01 /dev/sdb /dev/mapper/vg0-swap"),
    ("usbport", "1-1 2-1 1-2 1-0 3-0 2-0"),
    ("mod", "usbfs hub hiddev usbhid usb-storage"),
    ("eth", "eth0 eth1 eth2"),
    (
        "fs",
        "ext3 tmpfs selinuxfs mqueue devpts eventpollfs pipefs sockfs proc sysfs rootfs usbfs bdev",
    ),
    ("ifn", "lo eth0 eth1 eth2 sit0 wlan0"),
    ("ioc", "ioc0 ioc1"),
    ("md", "md0 md1 md2"),
    ("cronjob", "cron.daily cron.weekly cron.monthly"),
    ("netname", "lab-net office staging"),
    ("grid", "Compute Storage Login Infra GPU Admin"),
    ("smtpcmd", "RCPT CONNECT DATA EHLO AUTH UNKNOWN"),
    ("mon", "Jan Mar Jun Sep Nov Dec"),
    ("status", "200 200 201 204 404 202 500 300"),
    ("queue", "default orders batch mail.out reports root.users"),
    (
        "mapred",
        "mapred.job.id dfs.umaskmode mapreduce.job.counters.limit io.bytes.per.checksum mapred.tip.id mapred.local.dir",
    ),
    ("event", "network-vif-plugged network-vif-unplugged network-changed"),
    (
        "action",
        "android.intent.action.SCREEN_ON android.intent.action.SCREEN_OFF android.intent.action.TIME_TICK android.intent.action.DATE_CHANGED com.example.steps.ACTION_SYNC",
    ),
    ("pkg", "com.example.steps com.example.health.ui org.sample.band android.process.acore"),
    ("bool", "true false"),
    ("shown", "visible hidden collapsed"),
    ("screen", "Dashboard Profile Settings TrainingPlan Friends HeartRate Sleep"),
    ("db", "shop billing analytics wiki auth"),
    ("table", "orders customers line_items events invoices sessions audit_log"),
    ("agent", "Mozilla/5.0(X11;Linux) curl/8.5.0 kube-probe/1.29 Go-http-client/1.1"),
    ("zone", "login api perip search"),
    ("fe", "http-in https-in stats"),
    ("be", "web-backend api-backend static"),
    ("topic", "orders payments clicks audit-events"),
    ("group", "billing-consumer indexer reporting mailer-v2"),
    ("index", "logs-2031.04.01 products customers-v2 metrics-000042"),
    ("svc", "billing gateway inventory nginx postfix search-api notifications"),
    ("ns", "default kube-system shop monitoring ingress"),
    ("cname", "web proxy sidecar init-db exporter fluentbit"),
    ("vol", "tls-cert db-secret config kube-api-access-x7k2p"),
    ("vhost", "/ prod staging"),
    ("ks", "shop tracking system"),
    ("cur", "EUR USD GBP JPY CHF"),
    ("carrier", "DHL UPS FedEx Hermes DPD"),
    ("tname", "cleanupSessions sendDigest rotateKeys rebuildIndex importFeed refreshRates"),
    ("field", "price sku quantity street birthday iban"),
    ("method", "GET POST PUT DELETE PATCH"),
    ("bean", "dataSource metricsConfig retryTemplate userMapper"),
    ("plugin", "geoip auth-ldap analysis-icu mapper-murmur3 repository-s3"),
    ("flag", "dark_mode new-checkout beta_search fastLane"),
    ("tmpl", "welcome reset_password invoice newsletter reminder"),
    ("bucket", "media-prod backups exports raw-events"),
    ("tenant", "acme globex initech umbrella hooli"),
    ("region", "eu-west us-east ap-south sa-east"),
];

/// Returns a value for a slot, empty at times if its name ends in `?`.
pub(crate) fn value(kind: &str, dice: &mut Dice) -> String {
    if let Some(kind) = kind.strip_suffix('?') {
        return if dice.below(3) == 0 { String::new() } else { value(kind, dice) };
    }
    if kind == "user" {
        return dice.pick(USERS).to_owned();
    }
    if let Some((_, words)) = WORDS.iter().find(|(name, _)| *name == kind) {
        return dice.pick(words).to_owned();
    }
    if let Some((count, unit)) = measure(kind) {
        return value(count, dice) + unit;
    }
    number(kind, dice)
        .or_else(|| address(kind, dice))
        .or_else(|| stamp(kind, dice))
        .or_else(|| job(kind, dice))
        .unwrap_or_else(|| name(kind, dice))
}

/// The kind of number and the unit in `nMB`, `fms`, `spct`.
fn measure(kind: &str) -> Option<(&'static str, &str)> {
    let count = match kind.get(..1)? {
        "n" => "int",
        "s" => "small",
        "f" => "float",
        _ => return None,
    };
    match &kind[1..] {
        "pct" => Some((count, "%")),
        unit @ ("MB" | "GB" | "KB" | "KiB" | "MiB" | "gb" | "ms" | "k" | "K" | "M" | "Mbps"
        | "GHz") => Some((count, unit)),
        _ => None,
    }
}

fn number(kind: &str, dice: &mut Dice) -> Option<String> {
    let d = dice;
    Some(match kind {
        "small" => d.below(16).to_string(),
        "small2" => format!("{:02}", d.below(10)),
        "small4" => format!("{:04}", d.below(10)),
        "int" => {
            let digits = 1 + d.below(6) as u32;
            d.below(10u64.pow(digits)).to_string()
        }
        "longint" => (1_900_000_000_000 + d.below(9_999_999_999)).to_string(),
        "sint" => {
            format!("{}{}", if d.below(2) == 0 { "-" } else { "" }, 10_000_000 + d.below(1 << 30))
        }
        "neg" => format!("{}{}", if d.below(2) == 0 { "-" } else { "" }, d.below(60)),
        "float" => format!("{}.{}", d.below(400), d.below(10_000)),
        "offset" => {
            format!(
                "{}{}.{:06}",
                if d.below(2) == 0 { "-" } else { "+" },
                d.below(3),
                d.below(999_999)
            )
        }
        "port" => (1024 + d.below(60_000)).to_string(),
        "year" => (2001 + d.below(9)).to_string(),
        "hex" => format!("0x{}", d.hex(8)),
        "hex2" => format!("0x{}", d.hex(2)),
        "hex3" => format!("0x{}", d.hex(3)),
        "hex4" => format!("{:04}", d.below(50)),
        "hex8" => format!("{}9", d.hex(7)),
        "hex16" => format!("{}4{}", d.hex(8), d.hex(7)),
        "hex64" => d.hex(63) + "7",
        "b22" => format!("x{}Q{}w-{}A", d.hex(7), d.hex(6), d.hex(5)),
        "b64" => format!("R{}+{}/k{}", d.hex(6), d.hex(4), d.hex(5)),
        "ver" => format!("{}.{}.{}", d.below(9), d.below(20), d.below(40)),
        "uuid" => {
            format!("{}-{}-4{}-a{}-{}", d.hex(8), d.hex(4), d.hex(3), d.hex(3), d.hex(12))
        }
        "irqs" => "3 4 5 6 7 9 10 11 12 14 15"[..5 + 2 * d.below(4) as usize].trim_end().to_owned(),
        "chs" => format!("{}/255/63", d.below(65_536)),
        "mem" => "820".to_owned(),
        "hexrange" => format!("{} - {}", d.hex(16), d.hex(16)),
        "hashes" => (0..6).map(|_| d.below(99_999).to_string()).collect::<Vec<_>>().join("##"),
        "delays" => {
            format!("{}.{}/0/{}.{}/{}", d.below(9), d.below(9), d.below(9), d.below(99), d.below(9))
        }
        _ => return None,
    })
}

fn address(kind: &str, dice: &mut Dice) -> Option<String> {
    let d = dice;
    let label = |d: &mut Dice| {
        let stem = d.pick("node web cn db compute rack3-n MSK-SRV- store cache-");
        format!("{stem}{}", 1 + d.below(300))
    };
    Some(match kind {
        "ip" => format!("{}.{}.{}.{}", 1 + d.below(222), d.below(256), d.below(256), d.below(256)),
        "mac" => (0..6).map(|_| d.hex(2)).collect::<Vec<_>>().join(":"),
        "hostlabel" => label(d),
        "host" => match d.below(4) {
            0 => value("ip", d),
            1 => format!("{}-{}.dyn.provider{}.net", d.below(256), d.below(256), d.below(9)),
            2 => format!(
                "{}.{}",
                d.pick("mail www ns1 gw mx"),
                d.pick("example.org example.com corp.example.de uni.example.edu")
            ),
            _ => format!("{}.example.net", label(d)),
        },
        "mail" => {
            format!("{}@{}", d.pick(USERS), d.pick("example.org example.com lists.example.net"))
        }
        "url" => format!("http://{}:{}{}", value("ip", d), value("port", d), value("urlpath", d)),
        "urlpath" => match d.below(9) {
            0 => "/".to_owned(),
            1 => format!("/v2/{}/servers", d.hex(32)),
            2 => format!("/v2/{}/servers/{}", d.hex(32), value("uuid", d)),
            3 => format!("/v2/{}/servers/detail", d.hex(32)),
            4 => "/openstack/2013-10-17".to_owned(),
            5 => "/latest/meta-data/".to_owned(),
            6 => format!("/api/items?page={}&sort=name", d.below(50)),
            7 => "/health".to_owned(),
            _ => format!("/static/{}.css", d.hex(6)),
        },
        "request" => value("urlpath", d) + " HTTP/1.1",
        "paths" => (0..1 + d.below(3)).map(|_| value("path", d)).collect::<Vec<_>>().join(" "),
        "path" => format!(
            "/{}/{}/{}",
            d.pick("var usr etc home opt"),
            d.pick("lib log run share spool"),
            d.pick("app.conf messages cron.d data.db x.pid ntp/drift mail-aliases")
        ),
        "file" => format!(
            "{}-{}.{}",
            d.pick("report invoice photo dump"),
            d.below(9999),
            d.pick("pdf csv jpg tar.gz")
        ),
        "pci" => format!("0000:{:02}:{:02}.{}", d.below(9), d.below(32), d.below(8)),
        "cachekey" => format!("{}:{}", d.pick("user cart product"), d.below(99_999)),
        "image" => format!(
            "registry.example.com/{}/{}:{}",
            d.pick("shop tools"),
            d.pick("web api worker"),
            value("ver", d)
        ),
        "quoted" => format!("'{}'", d.pick("GET ntp.pool SSH-1.0 HELP")),
        _ => return None,
    })
}

fn stamp(kind: &str, dice: &mut Dice) -> Option<String> {
    let d = dice;
    Some(match kind {
        "time" => format!("{:02}:{:02}:{:02}", d.below(24), d.below(60), d.below(60)),
        "date8" => format!("20{:02}{:02}{:02}", d.below(30), 1 + d.below(12), 1 + d.below(28)),
        "isodate" => format!("20{:02}-{:02}-{:02}", d.below(30), 1 + d.below(12), 1 + d.below(28)),
        "cdate" => format!(
            "{} {} {} {} 2031",
            d.pick("Mon Tue Wed Thu Fri Sat Sun"),
            d.pick("Jan Apr Jul Oct Dec"),
            1 + d.below(28),
            value("time", d)
        ),
        "clf" => format!("{:02}/Apr/2031:{} +0000", 1 + d.below(28), value("time", d)),
        _ => return None,
    })
}

fn job(kind: &str, dice: &mut Dice) -> Option<String> {
    let d = dice;
    let app = |d: &mut Dice| format!("19{:08}_{:04}", d.below(99_999_999), d.below(50));
    Some(match kind {
        "attempt" => format!("attempt_{}_m_{:06}_{}", app(d), d.below(300), d.below(3)),
        "task" => format!("task_{}_m_{:06}", app(d), d.below(300)),
        "job" => format!("job_{}", app(d)),
        "app" => format!("application_{}", app(d)),
        "appattempt" => format!("appattempt_{}_{:06}", app(d), d.below(4)),
        "container" => format!("container_{}_01_{:06}", app(d), d.below(400)),
        "jvm" => format!("jvm_{}_m_{:06}", app(d), d.below(300)),
        "bp" => format!("BP-{}-{}-{}", d.below(2_000_000_000), value("ip", d), value("longint", d)),
        "blk" => format!("blk_{}_{}", 1_073_000_000 + d.below(99_999), d.below(99_999)),
        "qid" => format!("{}7{}", d.hex(5), d.hex(5)).to_uppercase(),
        "smid" => format!("j{}IH{}{:06}", d.below(9), d.hex(4), d.below(99_999)),
        "cmd" => d.pick("/usr/lib/sa/sa1 run-parts_/etc/cron.hourly /usr/bin/mrtg_/etc/mrtg.cfg /opt/bin/purge_--all_7 test_-x_/usr/sbin/anacron").replace('_', " "),
        "origin" => format!("origin software=\"rsyslogd\" swVersion=\"{}\" x-pid=\"{}\"", value("ver", d), value("int", d)),
        "podname" => format!("{}-{}f-x{}p", d.pick("web api worker cron ingest"), d.hex(8), d.hex(3)),
        "erlpid" => format!("0.{}.0", d.below(9999)),
        "erlnode" => format!("rabbit@{}", value("hostlabel", d)),
        _ => return None,
    })
}

fn name(kind: &str, dice: &mut Dice) -> String {
    let d = dice;
    match kind {
        "cls" => d.pick("org.apache.mapreduce.v2.Foo com.example.shop.OrderService JobTokenIdentifier com.example.Main MRAppMaster MapTask"),
        "ckpt" => d.pick("time xlog immediate force wal"),
        "unit" => d.pick("cron.service nginx.service getty@tty1.service docker.socket logrotate.timer multi-user.target sshd.service"),
        "cust" => d.pick("ACME-17 C-2209 globex K81723 walkin"),
        "cfgkey" => d.pick("spring.jpa.open-in-view server.maxThreads log.level cache.ttl db.pool.size"),
        "pool" => d.pick("http-worker io scheduler async-mail"),
        "members" => return (0..1 + d.below(4)).map(|_| format!("{}-{}", d.pick("web worker"), d.hex(6))).collect::<Vec<_>>().join(", "),
        "parts" => return (0..1 + d.below(5)).map(|_| format!("{}-{}", d.pick("orders clicks"), d.below(12))).collect::<Vec<_>>().join(", "),
        "wsreason" => d.pick("going_away timeout policy too_big").replace('_', "-").leak(),
        other => panic!("the corpus names an unknown kind of value: {other}"),
    }
    .to_owned()
}
