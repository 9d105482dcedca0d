import { createApp } from "vue";
import App from "./App.vue";
import { i18n, savedLocale, setLocale } from "./i18n";
import { router } from "./router";
import "./styles/tokens.css";
import "./styles/base.css";
import { startRemote } from "./ui/remote";
import { startTheme } from "./ui/theme";

startTheme(window.location.search);
startRemote();
await setLocale(savedLocale());
createApp(App).use(i18n).use(router).mount("#app");
