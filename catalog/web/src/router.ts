/**
 * Addresses of the pages. The list is known to catalog/http/pages.py too (a test compares), but for
 * the page of the box in a school, which only the box serves.
 */
import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import LibraryPage from "./pages/LibraryPage.vue";
import { i18n } from "./i18n";
import { session, whoAmI } from "./api/session";

declare module "vue-router" {
  interface RouteMeta {
    title: string;
    needs?: "person" | "upload" | "administrator";
  }
}

const operations = () => import("./pages/OperationsPage.vue");

const routes: RouteRecordRaw[] = [
  { path: "/", name: "library", component: LibraryPage, meta: { title: "nav.library" } },
  {
    path: "/lessons/:id",
    name: "lesson",
    component: () => import("./pages/LessonPage.vue"),
    props: true,
    meta: { title: "nav.lesson" },
  },
  {
    path: "/upload",
    name: "upload",
    component: () => import("./pages/UploadPage.vue"),
    meta: { title: "nav.upload", needs: "upload" },
  },
  {
    path: "/mine",
    name: "mine",
    component: () => import("./pages/MyLessonsPage.vue"),
    meta: { title: "nav.mine", needs: "person" },
  },
  {
    path: "/admin/:kind?",
    name: "admin",
    component: () => import("./pages/AdminPage.vue"),
    props: true,
    meta: { title: "nav.admin", needs: "administrator" },
  },
  {
    path: "/timetable",
    name: "timetable",
    component: () => import("./pages/TimetablePage.vue"),
    meta: { title: "nav.timetable" },
  },
  {
    path: "/studio/:id",
    name: "studio",
    component: () => import("./pages/StudioPage.vue"),
    props: true,
    meta: { title: "liveTitle.studio", needs: "person" },
  },
  {
    path: "/classroom",
    name: "classroom",
    component: () => import("./pages/ClassroomPage.vue"),
    meta: { title: "liveTitle.classroom", needs: "person" },
  },
  {
    path: "/watch/:id",
    name: "watch",
    component: () => import("./pages/GuestLivePage.vue"),
    props: true,
    meta: { title: "liveTitle.watch" },
  },
  {
    path: "/login",
    name: "login",
    component: () => import("./pages/LoginPage.vue"),
    meta: { title: "nav.login" },
  },
  {
    path: "/account",
    name: "account",
    component: () => import("./pages/AccountPage.vue"),
    meta: { title: "nav.account", needs: "person" },
  },
  {
    path: "/operations",
    name: "operations",
    component: operations,
    meta: { title: "nav.operations", needs: "person" },
  },
  ...Object.entries({
    district: "/operations/districts/:id",
    school: "/operations/schools/:id",
    session: "/operations/sessions/:id",
    room: "/operations/rooms/:id",
    runbook: "/operations/runbooks/:id",
  }).map(([place, path]) => ({
    path,
    name: `operations-${place}`,
    component: operations,
    props: true,
    meta: { title: "nav.operations", needs: "person" as const },
  })),
  {
    path: "/edge/status",
    name: "edge",
    component: () => import("./pages/EdgeStatusPage.vue"),
    meta: { title: "edge.title" },
  },
  {
    path: "/:rest(.*)*",
    name: "missing",
    component: () => import("./pages/MissingPage.vue"),
    meta: { title: "nav.missing" },
  },
];

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (to, from, saved) => {
    if (saved) return saved;
    return to.path === from.path ? undefined : { top: 0 };
  },
});

router.beforeEach(async (to) => {
  if (!to.meta.needs) return true;
  const me = await whoAmI();
  // Where nobody answers the page says so at its own address.
  if (me.person_id || session.away) return true;
  return { name: "login", query: { next: to.fullPath } };
});

export function titlePage(text: string): void {
  const name = i18n.global.t("brand.name");
  document.title = text ? `${text} · ${name}` : name;
}

router.afterEach((to, from) => {
  titlePage(i18n.global.t(to.meta.title));
  if (from.name && to.path !== from.path) {
    requestAnimationFrame(() => document.getElementById("main")?.focus({ preventScroll: true }));
  }
});
