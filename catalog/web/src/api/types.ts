/** What the API says, by the names of its OpenAPI document (`make api-types`). */
import type { components } from "../../generated/schema";

type Schemas = components["schemas"];

export type Named = Schemas["Named"];
export type Choice = Schemas["Choice"];
export type Problem = Schemas["Problem"];

export type LessonCard = Schemas["LessonCard"];
export type LessonState = LessonCard["state"];
export type Lesson = Schemas["Lesson"];
export type LessonChanges = Schemas["LessonChanges"];
export type LessonPage = Schemas["LessonList"];
export type LessonEvent = Schemas["News"];
export type SubtitleLink = Schemas["SubtitleUrl"];
export type FacetValue = Schemas["FacetValue"];
export type Suggestion = Schemas["Suggestion"];
export type Suggestions = Schemas["Suggestions"];

export type Me = Schemas["Me"];
export type Affiliation = Schemas["AffiliationBody"];
export type NewAffiliation = Schemas["NewAffiliation"];
export type User = Schemas["UserBody"];
export type AddedUser = Schemas["AddedUser"];
export type UserChange = Schemas["UserChange"];
export type OncePassword = Schemas["PasswordAnswer"];
export type SignInBody = Schemas["LoginBody"];
export type PasswordChange = Schemas["PasswordBody"];

export type Attendance = Schemas["Attendance"];
export type Presence = Schemas["ClassroomPresence"] | Schemas["PersonPresence"];

export type School = Schemas["School"];
export type Classroom = Schemas["Classroom"];
export type Pair = Schemas["Pair"];
export type Series = Schemas["Series"];

/** A part of a list, whatever is in it: the document has one shape for each kind. */
export type Page<T> = Omit<Schemas["Page_Named_"], "items"> & { items: T[] };

/** What a list holds of each kind of the registry. */
export interface Registry {
  districts: Named;
  groups: Named;
  schools: School;
  classrooms: Classroom;
  pairs: Pair;
  series: Series;
  users: User;
}

export type WallChange = Schemas["Change"];
export type CityRow = Schemas["CityRow"];
export type DistrictRow = Schemas["DistrictRow"];
export type SchoolRow = Schemas["SchoolRow"];
export type SessionRow = Schemas["SessionRow"];
export type RoomRow = Schemas["RoomRow"];
export type AlertRow = Schemas["AlertRow"];
export type EvidenceRow = Schemas["EvidenceRow"];
export type Cause = NonNullable<SchoolRow["cause"]>;
export type OperationsPast = Schemas["Past"];
export type Box = Schemas["EdgeShown"];
