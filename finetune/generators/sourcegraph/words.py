"""What the requests are about: names of things, people, owners and folders. No word stands in two splits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words of one split, from which identifiers, repositories and owners are put together."""

    nouns: tuple[tuple[str, ...], ...]  # by domain: one request stays in one domain
    verbs: tuple[str, ...]
    adjectives: tuple[str, ...]
    suffixes: tuple[str, ...]  # of classes
    roles: tuple[str, ...]  # of repositories
    platforms: tuple[str, ...]  # before or after a repository's subject
    firms: tuple[str, ...]
    firm_ends: tuple[str, ...]
    surnames: tuple[str, ...]
    given: tuple[str, ...]
    folders: tuple[str, ...]
    branches: tuple[str, ...]
    syllables: tuple[str, ...]  # of names that mean nothing


def _words(domains: str, *pools: str) -> Words:
    nouns = tuple(tuple(line.split()) for line in domains.strip().splitlines())
    return Words(nouns, *(tuple(pool.split()) for pool in pools))


TRAIN = _words(
    """
    ledger invoice payment refund account balance currency payout receipt voucher
    cart product coupon shipment warehouse inventory catalog checkout discount order
    cluster pod node scheduler replica daemon container volume ingress quota
    token lexer parser grammar syntax macro compiler bytecode operand opcode
    query index table schema cursor transaction shard snapshot vacuum column
    socket packet proxy handshake tunnel gateway router latency bandwidth certificate
    session password login credential permission role secret cookie identity policy
    shader texture mesh vertex sprite camera viewport polygon canvas pixel
    queue worker job broker consumer publisher message topic retry backlog
    button dialog tooltip menu sidebar modal theme layout widget form
    tensor gradient optimizer dataset embedding checkpoint layer batch loss tokenizer
    logger metric trace alert dashboard probe counter histogram sampler event
    file archive buffer stream path encoder chunk checksum header block
    thread mutex allocator heap stack pointer kernel interrupt semaphore register
    """,
    "get set parse build create update load fetch render validate encode resolve flush open close init register handle "
    "dispatch merge apply compute write read start cancel",
    "new old fast raw remote local default shared async global hidden custom pending stale max min tiny open simple",
    "Manager Handler Factory Controller Service Builder Client Provider Error Config Options Registry Adapter Impl",
    "service server cli api sdk kit core tools plugin engine operator bot app web docs",
    "go node py react rust java vue android docker django",
    "bright north lumen quant silver hydra atlas ember cobalt maple orbit zen nimbus raven delta falcon",
    "forge labs works soft io hq tech cloud data systems",
    "kowalski jpark nguyen bauer okafor lindgren moreau tanaka silva haddad weber larsson costa ivanov",
    "alice marek priya jonas elena tariq sofia dmitri hannah kenji lucas amina",
    "vendor docs test examples node_modules scripts generated build migrations internal config third_party assets dist",
    "main master develop staging hotfix stable canary",
    "zor vex lum qua tri bak nel omi fer dax pru sil kon ghi wex jut ryn mol hib cav tup egg",
)

VAL = _words(
    """
    forecast humidity station rainfall barometer climate radar storm
    lobby matchmaking leaderboard avatar quest loot arena spectator
    recipe ingredient pantry menuitem nutrition oven kitchen serving
    """,
    "collect refresh attach publish rotate",
    "early silent partial bulk",
    "Tracker Watcher Store Mapper",
    "portal backend gem library",
    "swift php scala",
    "willow granite puma solstice",
    "group studio dev",
    "petrov amari fischer dubois",
    "noor felix ingrid",
    "fixtures samples static",
    "beta preview trunk",
    "yal gor mip ost vun keb ruz",
)

TEST = _words(
    """
    servo gripper lidar odometry waypoint torque actuator kinematics joint tachometer
    genome allele contig primer variant chromosome plasmid transcript nucleotide exon
    waveform reverb oscillator pitch mixer tempo midi equalizer envelope spectrum
    tariff substation meter inverter outage turbine feeder grid voltage relay
    parcel courier geofence itinerary depot waybill customs fleet manifest carrier
    glyph kerning ligature hyphenation typeface margin footnote paragraph baseline ruler
    """,
    "align calibrate simulate trim stitch interpolate quantize annotate clip measure poll",
    "noisy lazy outer mutable draft signed bounded",
    "Solver Visitor Monitor Planner Codec Strategy Exception",
    "daemonset toolkit runtime bridge firmware sim viewer pipeline",
    "ruby cpp flutter elixir deno",
    "harbor cedar onyx tundra kestrel meridian juniper saffron",
    "robotics collective foundry research org",
    "schneider abebe rossi takahashi novak oconnor bergstrom",
    "zofia rahul ingeborg mateo chidi yuki",
    "benchmarks testdata legacy mocks locales proto thirdparty",
    "next nightly integration lts",
    "bru fyx nad olk wim tez gla puv sch eno dri hax",
)
