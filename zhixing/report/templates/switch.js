(function () {
  var asked = new URLSearchParams(location.search).get("lang") || location.hash.slice(1);
  var choice = /^(en|zh)/.test(asked) ? asked : navigator.language || "en";
  function show(language) {
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
    document.getElementById("show-" + language).checked = true;
    document.title = document.documentElement.dataset[language];
  }
  show(/^zh/.test(choice) ? "zh" : "en");
  ["en", "zh"].forEach(function (language) {
    document.getElementById("show-" + language).addEventListener("change", function () {
      show(language);
    });
  });
  addEventListener("hashchange", function () {
    var named = location.hash.slice(1);
    if (named === "en" || named === "zh") show(named);
  });
})();
