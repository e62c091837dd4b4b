package web

import _ "embed" // the page's files

// The page's own files, written by hand. Tests of the page in a browser hold on to
// the ids in index.html, which lists them.
var (
	//go:embed assets/index.html
	indexHTML string
	//go:embed assets/app.js
	appJS string
	//go:embed assets/house.js
	houseJS string
	//go:embed assets/view.js
	viewJS string
	//go:embed assets/style.css
	styleCSS string
	//go:embed assets/icon.svg
	iconSVG string
)
