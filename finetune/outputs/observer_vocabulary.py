"""The one vocabulary of the memory graph: entity types, times, predicates, and which near-synonyms stand for which.

A predicate of a data file is looked up here (case, blanks and a leading IS_ do not count); one that is unknown keeps
its fact under RELATED_TO. A model's answer must be in the vocabulary already, or it is refused.
"""

import re

TYPES = ("Person", "Organization", "Place", "Concept", "Technology", "Role", "Temporal")
TIMES = ("ongoing", "completed", "future")
#: any tie that has no predicate of its own
OTHER = "RELATED_TO"
#: predicate -> its near-synonyms
PREDICATES: dict[str, tuple[str, ...]] = {
    "WORKS_AT": ("WORKS_FOR", "WORK_AT", "WORKED_AT", "EMPLOYED_BY", "EMPLOYED_AT", "EMPLOYEE_OF", "JOINED", "JOINING"),
    "HAS_ROLE": ("WORKS_AS", "HAS_JOB", "HAS_JOB_TITLE", "HAS_POSITION", "HAS_OCCUPATION", "HAS_PROFESSION", "ROLE"),
    "STUDIES_AT": ("STUDIED_AT", "STUDENT_AT", "ATTENDS_SCHOOL", "ENROLLED_AT", "ENROLLED_IN", "GRADUATED_FROM"),
    "LIVES_IN": ("LIVES_AT", "LIVED_IN", "RESIDES_IN", "LIVING_IN", "BASED_IN", "RESIDENT_OF", "HOME_IN"),
    "MOVED_TO": ("MOVES_TO", "MOVING_TO", "RELOCATED_TO", "RELOCATING_TO", "PLANS_TO_MOVE_TO"),
    "COMES_FROM": ("FROM", "BORN_IN", "GREW_UP_IN", "RAISED_IN", "ORIGINALLY_FROM", "NATIVE_OF"),
    "VISITING": ("VISITS", "VISITED", "TRAVELING_TO", "TRAVELLING_TO", "TRAVELED_TO", "TRAVELS_TO", "TRIP_TO"),
    "LOCATED_IN": ("LOCATED_AT", "LOCATION", "HEADQUARTERED_IN", "SITUATED_IN"),
    "PREFERS": ("LIKES", "LOVES", "ENJOYS", "FAVORITE", "FAVOURITE", "HAS_PREFERENCE", "HAS_FAVORITE", "FAN_OF"),
    "DISLIKES": ("HATES", "AVOIDS", "DOES_NOT_LIKE", "DOESNT_LIKE"),
    "INTERESTED_IN": ("HAS_INTEREST", "HAS_INTEREST_IN", "CURIOUS_ABOUT", "HAS_HOBBY", "HOBBY", "PASSIONATE_ABOUT"),
    "LEARNING": ("LEARNS", "LEARNED", "STUDIES", "STUDYING", "STUDIED", "TAKING_LESSONS_IN"),
    "PLAYS": ("PLAYED", "PLAYING", "PRACTICES", "PRACTISES"),
    "USES": ("USED", "USING", "WORKS_WITH", "PROGRAMS_IN"),
    "OWNS": ("HAS", "HAS_POSSESSION", "POSSESSES", "DRIVES", "OWNED"),
    "BOUGHT": ("PURCHASED", "BUYING", "BUYS", "ACQUIRED", "ORDERED"),
    "ALLERGIC_TO": ("HAS_ALLERGY", "HAS_ALLERGY_TO", "INTOLERANT_TO"),
    "HAS_CONDITION": ("SUFFERS_FROM", "DIAGNOSED_WITH", "HAS_ILLNESS", "HAS_DISEASE", "HAS_HEALTH_CONDITION"),
    "MARRIED_TO": ("SPOUSE_OF", "HAS_SPOUSE", "HUSBAND_OF", "WIFE_OF", "HAS_WIFE", "HAS_HUSBAND", "DIVORCED_FROM"),
    "PARTNER_OF": ("HAS_PARTNER", "DATING", "IN_RELATIONSHIP_WITH", "ENGAGED_TO", "HAS_GIRLFRIEND", "HAS_BOYFRIEND"),
    "HAS_CHILD": ("PARENT_OF", "HAS_SON", "HAS_DAUGHTER", "MOTHER_OF", "FATHER_OF"),
    "HAS_PARENT": ("CHILD_OF", "SON_OF", "DAUGHTER_OF", "HAS_MOTHER", "HAS_FATHER"),
    "HAS_SIBLING": ("SIBLING_OF", "SISTER_OF", "BROTHER_OF", "HAS_SISTER", "HAS_BROTHER"),
    "HAS_RELATIVE": ("RELATIVE_OF", "FAMILY_OF", "HAS_FAMILY_MEMBER", "HAS_COUSIN", "COUSIN_OF", "HAS_GRANDPARENT"),
    "FRIEND_OF": ("HAS_FRIEND", "FRIENDS_WITH", "IS_FRIENDS_WITH", "CLOSE_TO", "BEST_FRIEND_OF"),
    "COLLEAGUE_OF": ("HAS_COLLEAGUE", "COWORKER_OF", "HAS_BOSS", "HAS_MANAGER", "REPORTS_TO"),
    "ATTENDING": ("ATTENDS", "ATTENDED", "PARTICIPATING_IN", "PARTICIPATED_IN", "HAS_EVENT", "HAS_APPOINTMENT"),
    "HAPPENS_ON": ("SCHEDULED_FOR", "OCCURS_ON", "TAKES_PLACE_ON", "HAS_DATE", "DUE_ON"),
    OTHER: ("HAS_RELATION", "HAS_RELATIONSHIP", "KNOWS", "HAS_NEIGHBOR", "HAS_NEIGHBOUR", "NEIGHBOR_OF", "MET"),
}
SYNONYMS = {word: predicate for predicate, words in PREDICATES.items() for word in (predicate, *words)}
LEADING = re.compile(r"\A(?:IS|ARE|WAS|WERE|AM)_(?=.)")


def predicate_of(name: str) -> str:
    """The vocabulary's word for a predicate of a data file."""
    word = re.sub(r"\W+", "_", name.strip().upper()).strip("_")
    return SYNONYMS.get(word) or SYNONYMS.get(LEADING.sub("", word), OTHER)
